import { expect, test } from 'vitest';
import { peerMessage } from './peer.ts';
import { FRAMES, PLACES, Sequence } from './sequence.ts';

const placed = (...places: number[]) =>
  Buffer.from(places.map((place) => `${peerMessage(place, 300, 7.5)}\n`).join(''));
const frame = (offset: number, prev: number) =>
  `{"kind":"message","offset":${offset},"prev":${prev},"payload":{"n":1,"at":3.25,"fill":"${'x'.repeat(300)}"}}\n`;

test('messages are counted and timed once however the network cuts them', () => {
  const data = placed(1, 2, 3);
  for (let cut = 0; cut <= data.length; cut++) {
    const sequence = new Sequence(PLACES, 1);
    const times: number[] = [];
    for (const part of [data.subarray(0, cut), data.subarray(cut)]) sequence.take(part, (at) => times.push(at));
    expect([sequence.count, times]).toEqual([3, [7.5, 7.5, 7.5]]);
  }
});

test.each([
  ['one is missing', [1, 3]],
  ['one comes twice', [1, 2, 2]],
  ['one comes late', [2, 1]],
  ['the first is missing', [2, 3]],
])('%s: refused', (_what, places) => {
  expect(() => new Sequence(PLACES, 1).take(placed(...places))).toThrow(/came after/);
});

test('frames of the firehose may have holes in their numbers, but none in their chain', () => {
  const sequence = new Sequence(FRAMES, 0);
  sequence.take(Buffer.from(`{"kind":"hello","offset":-1}\n${frame(4, -1)}${frame(9, 4)}`));
  expect(sequence.count).toBe(2);
  expect(() => sequence.take(Buffer.from(frame(12, 10)))).toThrow('message 12 came after 9, and should after 10');
});
