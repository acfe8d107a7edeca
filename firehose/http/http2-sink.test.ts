/**
 * What a sink on a real HTTP/2 connection does with the memory of the chunks that it is given: every byte that arrives is
 * right, however slowly the peer reads and whoever breaks off, while freed memory is taken and written over at once.
 */
import { once } from 'node:events';
import { type ClientHttp2Stream, constants, type ServerHttp2Stream } from 'node:http2';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Chunk } from '../stream/chunk.ts';
import { collectGarbage } from '../testing/collect-garbage.ts';
import { Http2Session, received } from '../testing/http2-session.ts';
import { Http2Sink } from './http2-sink.ts';

/** More than the kernel's buffers of a connection hold. */
const WINDOW = 10 << 20;
/** More than the window. */
const LARGE = 15 << 20;

/** Bytes of which each word tells its place in the stream, and which stream it is. */
function pattern(stream: number, from: number, bytes: number): Buffer {
  const words = new Uint32Array(bytes / 4);
  for (let n = 0; n < words.length; n++) words[n] = stream * 0x1000_0000 + from / 4 + n;
  return Buffer.from(words.buffer);
}

/** Takes memory that has just been freed, and writes over it. */
function writeOverFreed(sizes: readonly number[]): void {
  for (const size of sizes) Buffer.alloc(size, 0xee);
}

const lengths = (most: number, more = 0) => fc.integer({ min: 1, max: most }).map((words) => words * 4 + more);
const plan = fc.record({
  /** Bytes of each: too small to be freed, freed and given out again by the allocator, larger than that. */
  chunks: fc.array(fc.oneof(lengths(20), lengths(8_192, 16_384), lengths(100_000)), { minLength: 1, maxLength: 12 }),
  /** Chunks in one turn, whether or not the sink is full. */
  burst: fc.integer({ min: 1, max: 4 }),
  /** An empty chunk comes after each. */
  empty: fc.boolean(),
  slow: fc.boolean(),
  breaks: fc.option(
    fc.record({ who: fc.constantFrom('server', 'client'), after: fc.integer({ min: 0, max: 600_000 }) }),
  ),
});
type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;

function send(stream: ServerHttp2Stream, id: number, { chunks, burst, empty, breaks }: Plan): void {
  const sink = new Http2Sink(stream, {});
  let [written, next] = [0, 0];
  const go = () => {
    for (let n = 0; n < burst && next < chunks.length; n++) {
      const bytes = chunks[next++]!;
      sink.write(Chunk.own(pattern(id, written, bytes)));
      if (empty) sink.write(Chunk.shared(Buffer.alloc(0)));
      written += bytes;
    }
    if (breaks?.who === 'server' && written >= breaks.after) setImmediate(() => sink.destroy());
    if (next === chunks.length) sink.end();
    else if (!sink.full) setImmediate(go);
  };
  sink.listen({ drained: go, closed() {} });
  go();
}

function receive(request: ClientHttp2Stream, { slow, breaks }: Plan): Promise<Buffer> {
  let count = 0;
  request.on('data', (part: Buffer) => {
    count += part.length;
    if (breaks?.who === 'client' && count >= breaks.after) request.close(constants.NGHTTP2_CANCEL);
    if (!slow) return;
    request.pause();
    setImmediate(() => setImmediate(() => request.resume()));
  });
  return received(request);
}

describe.each([
  ['without TLS', false],
  ['over TLS', true],
])('%s', (_, secure) => {
  /** One stream with one chunk, and how it stands on the server's side. */
  async function sending(chunk: () => Chunk, { held }: { held: boolean }) {
    const opened = Promise.withResolvers<{ sink: Http2Sink; closed: Promise<unknown> }>();
    const session: Http2Session = await Http2Session.open({
      secure,
      window: WINDOW,
      serve(stream) {
        if (held) session.hold();
        const sink = new Http2Sink(stream, {});
        sink.write(chunk());
        opened.resolve({
          sink,
          closed: once(
            stream.on('error', () => {}),
            'close',
          ),
        });
      },
    });
    const request = session.client.request({ ':path': '/' });
    return { session, request, ...(await opened.promise), [Symbol.dispose]: () => session[Symbol.dispose]() };
  }

  test('the memory of a chunk of its own is freed when the peer has taken it, not before, and all of it arrives', async () => {
    const chunk = Chunk.own(pattern(1, 0, LARGE));
    using it = await sending(() => chunk, { held: true });
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(it.sink.full).toBe(true);
    expect(chunk.data).toHaveLength(LARGE);
    it.session.letGo();
    const all = received(it.request);
    await expect.poll(() => chunk.data.length, { timeout: 30_000 }).toBe(0);
    it.sink.end();
    expect((await all).equals(pattern(1, 0, LARGE))).toBe(true);
  });

  test('of a stream that is destroyed, frames that wait for the socket go out as they were; then their memory is free', async () => {
    let memory: WeakRef<ArrayBufferLike> | undefined;
    // Nothing here holds the memory: the callers of a sink do not either.
    const chunk = () => {
      const data = pattern(1, 0, LARGE);
      memory = new WeakRef(data.buffer);
      return Chunk.own(data);
    };
    using it = await sending(chunk, { held: true });
    const all = received(it.request);
    it.sink.destroy();
    await it.closed;
    for (let turn = 0; turn < 5; turn++) {
      await collectGarbage();
      writeOverFreed([LARGE, LARGE]);
    }
    // Under TLS the socket has a copy.
    if (!secure) expect(memory!.deref()).toBeDefined();
    it.session.letGo();
    const came = await all;
    expect(came.equals(pattern(1, 0, came.length))).toBe(true);
    expect(came.length).toBeGreaterThan(WINDOW - 65_536);
    const collected = async () => {
      await collectGarbage();
      return memory!.deref() === undefined;
    };
    await expect.poll(collected, { timeout: 30_000 }).toBe(true);
  });

  test('a chunk that others share stays as it is', async () => {
    const chunk = Chunk.shared(pattern(1, 0, 100_000));
    using it = await sending(() => chunk, { held: false });
    it.sink.end();
    await received(it.request);
    expect(chunk.data.equals(pattern(1, 0, 100_000))).toBe(true);
  });

  test('a peer that has reset its stream before the head is sent: it is over, and nothing fails', async () => {
    const opened = Promise.withResolvers<ServerHttp2Stream>();
    using session = await Http2Session.open({ secure, window: WINDOW, serve: opened.resolve });
    const request = session.client.request({ ':path': '/' }).on('error', () => {});
    const stream = await opened.promise;
    const closed = once(
      stream.on('error', () => {}),
      'close',
    );
    request.close(constants.NGHTTP2_CANCEL);
    await closed;
    const sink = new Http2Sink(stream, {});
    const heard = new Promise<void>((resolve) => sink.listen({ drained() {}, closed: resolve }));
    sink.write(Chunk.shared(pattern(1, 0, 100)));
    sink.end();
    await heard;
  });

  test('every byte that arrives is right: of slow readers, of streams that either side breaks off', async () => {
    const session = fc.record({
      plans: fc.array(plan, { minLength: 1, maxLength: 4 }),
      window: fc.constantFrom(65_535, 1 << 20),
    });
    const right = fc.asyncProperty(session, async ({ plans, window }) => {
      const serve = (stream: ServerHttp2Stream, path: string) => {
        const id = Number(path.slice(1));
        send(stream, id, plans[id]!);
      };
      using session = await Http2Session.open({ secure, window, serve });
      const writingOver = setInterval(() => writeOverFreed(plans.flatMap(({ chunks }) => chunks)), 0);
      try {
        await Promise.all(
          plans.map(async (wanted, id) => {
            const all = await receive(session.client.request({ ':path': `/${id}` }), wanted);
            const sent = wanted.chunks.reduce((sum, bytes) => sum + bytes, 0);
            if (wanted.breaks === null) expect(all).toHaveLength(sent);
            expect(all.equals(pattern(id, 0, sent).subarray(0, all.length))).toBe(true);
          }),
        );
      } finally {
        clearInterval(writingOver);
      }
    });
    await fc.assert(right, { numRuns: 25 });
  }, 300_000);
});
