/** What an outlet sends, and what becomes of the memory that it was in. */
import { expect, test } from 'vitest';
import { eventStream } from '../format/event-stream.ts';
import type { Format } from '../format/format.ts';
import { ndjson } from '../format/ndjson.ts';
import { MemorySink } from '../testing/memory-sink.ts';
import { Chunk } from './chunk.ts';
import type { FreshEntries } from './live-tail.ts';
import { Outlet } from './outlet.ts';
import { Progress } from './progress.ts';

const FRAMES = `${Array.from({ length: 1_000 }, (_, n) => `{"kind":"message","offset":${n},"payload":{}}`).join('\n')}\n`;

/** As the journal gives it: memory of its own. */
function read(): Buffer {
  const data = Buffer.allocUnsafeSlow(FRAMES.length);
  data.write(FRAMES);
  return data;
}

function outlet(format: Format, after: number) {
  const sink = new MemorySink(Number.POSITIVE_INFINITY);
  const progress = new Progress(0);
  return { sink, progress, outlet: new Outlet(after, { format, sink }, progress) };
}

function step(frames: Buffer) {
  const { length: bytes } = frames;
  return { kind: 'step', frames: [frames], messages: 1_000, bytes, position: 999, skipped: 0, end: true } as const;
}

test.each([
  ['as it lies', ndjson],
  ['in another format', eventStream('epoch')],
])('what was read for one stream is sent %s, counted, and freed', (_, format) => {
  const expected = format.messages(read()).toString();
  const { sink, progress, outlet: sending } = outlet(format, -1);
  const frames = read();
  sending.step(step(frames));
  expect(sink.data.toString()).toBe(expected);
  expect(sending.position).toBe(999);
  expect(progress).toMatchObject({ messages: 1_000, bytes: FRAMES.length });
  expect(frames).toHaveLength(0);
});

test('what was appended goes to every stream that it follows on, and stays for the next', () => {
  const chunk = Chunk.shared(read());
  const fresh: FreshEntries = { first: 500, last: 999, count: 500, prev: 499, chunk: () => chunk };
  for (const after of [499, 499, 480]) {
    const { sink, outlet: sending } = outlet(ndjson, after);
    // A position below the entry before is that of a stream that has not read up to here.
    expect(sending.fresh(fresh)).toBe(after === 499);
    expect(sink.data.toString()).toBe(after === 499 ? FRAMES : '');
    expect(sending.position).toBe(after === 499 ? 999 : after);
  }
});
