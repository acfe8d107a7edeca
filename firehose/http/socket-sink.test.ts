/** What a sink on a real connection does with the memory of the chunks that it is given. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Chunk } from '../stream/chunk.ts';
import { CompressedSink } from './compressed-sink.ts';
import { SocketSink } from './socket-sink.ts';

/** More than the kernel buffers of a connection hold. */
const LARGE = 32 << 20;

/** Both ends of a connection; the reading one takes nothing until it is told to. */
async function connection(): Promise<{ own: Socket; peer: Socket } & AsyncDisposable> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
  peer.pause();
  const [own] = (await once(server, 'connection')) as [Socket];
  return {
    own,
    peer,
    async [Symbol.asyncDispose]() {
      own.destroy();
      peer.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readAll(peer: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of peer) parts.push(part as Buffer);
  const all = Buffer.concat(parts);
  return all.subarray(all.indexOf('\r\n\r\n') + 4);
}

function pattern(bytes: number): Buffer {
  const data = Buffer.allocUnsafeSlow(bytes);
  for (let at = 0; at < bytes; at += 4) data.writeUInt32LE(at, at);
  return data;
}

test('the memory of a chunk of its own is freed when the peer has taken it, not before, and all of it arrives', async () => {
  await using ends = await connection();
  const sink = new SocketSink(ends.own, '1.0', {});
  const chunk = Chunk.own(pattern(LARGE));
  sink.write(chunk);
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(sink.full).toBe(true);
  expect(chunk.data).toHaveLength(LARGE);
  const received = readAll(ends.peer);
  await expect.poll(() => chunk.data.length, { timeout: 30_000 }).toBe(0);
  sink.end();
  expect((await received).equals(pattern(LARGE))).toBe(true);
});

test('what a connection that breaks still holds is freed too', async () => {
  await using ends = await connection();
  const sink = new SocketSink(ends.own, '1.1', {});
  const chunks = [Chunk.own(pattern(LARGE)), Chunk.own(pattern(LARGE))];
  for (const chunk of chunks) sink.write(chunk);
  sink.destroy();
  for (const chunk of chunks) await expect.poll(() => chunk.data.length, { timeout: 30_000 }).toBe(0);
});

test('a chunk that others share stays as it is', async () => {
  await using ends = await connection();
  const sink = new SocketSink(ends.own, '1.1', {});
  const chunk = Chunk.shared(pattern(100_000));
  sink.write(chunk);
  sink.end();
  await readAll(ends.peer);
  chunk.release();
  expect(chunk.data.equals(pattern(100_000))).toBe(true);
});

test('memory that a buffer shares with others is not freed with it', () => {
  const whole = pattern(100_000);
  const part = Chunk.own(whole.subarray(0, 50_000));
  part.release();
  expect(part.data).toHaveLength(50_000);
  const pooled = Buffer.from('pooled');
  Chunk.own(pooled).release();
  expect(pooled.toString()).toBe('pooled');
});

test('a compressing sink frees what it has compressed', async () => {
  await using ends = await connection();
  const sink = new CompressedSink(new SocketSink(ends.own, '1.0', {}), 'gzip');
  sink.listen({ drained() {}, closed() {} });
  const chunks = [Chunk.own(pattern(100_000)), Chunk.own(pattern(100_000))];
  for (const chunk of chunks) sink.write(chunk);
  sink.end();
  const received = gunzipSync(await readAll(ends.peer));
  expect(received.equals(Buffer.concat([pattern(100_000), pattern(100_000)]))).toBe(true);
  for (const chunk of chunks) expect(chunk.data).toHaveLength(0);
});
