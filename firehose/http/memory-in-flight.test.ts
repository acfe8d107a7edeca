/** That what is kept for frames in flight has a bound, and is let go of once the peer has what was sent before. */
import type { ServerHttp2Session } from 'node:http2';
import { expect, test } from 'vitest';
import { collectGarbage } from '../testing/collect-garbage.ts';
import { Http2Session } from '../testing/http2-session.ts';
import { keepUntilTaken, takeConnectionsGivenUp } from './memory-in-flight.ts';

const MIB = 1 << 20;

async function serverSession() {
  const opened = Promise.withResolvers<ServerHttp2Session>();
  const session = await Http2Session.open({
    secure: false,
    window: 65_535,
    serve: (stream) => opened.resolve(stream.on('error', () => {}).session as ServerHttp2Session),
  });
  session.client.request({ ':path': '/' }).on('error', () => {});
  return { session, own: await opened.promise };
}

test('a connection that takes nothing of more than so much is ended', async () => {
  const { session, own } = await serverSession();
  using _ = session;
  session.hold();
  for (let kept = 0; kept < 16; kept++) keepUntilTaken(own, Buffer.alloc(MIB));
  expect(own.destroyed).toBe(false);
  takeConnectionsGivenUp();
  keepUntilTaken(own, Buffer.alloc(1));
  expect(own.destroyed).toBe(true);
  keepUntilTaken(own, Buffer.alloc(1));
  expect(takeConnectionsGivenUp()).toBe(1);
});

test('one that takes what is sent may have as much again, however often', async () => {
  const { session, own } = await serverSession();
  using _ = session;
  for (let turn = 0; turn < 8; turn++) {
    const memory = keepSome(own, 12 * MIB);
    const collected = async () => {
      await collectGarbage();
      return memory.deref() === undefined;
    };
    await expect.poll(collected, { timeout: 30_000 }).toBe(true);
  }
  expect(own.destroyed).toBe(false);
});

function keepSome(own: ServerHttp2Session, bytes: number): WeakRef<ArrayBufferLike> {
  const data = Buffer.alloc(bytes);
  keepUntilTaken(own, data);
  return new WeakRef(data.buffer);
}
