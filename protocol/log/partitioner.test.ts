import { expect, test } from 'vitest';
import { murmur2, partitionOf } from './partitioner.ts';

// The expected values are those of the unit test of Kafka's own Utils.murmur2.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2 of %j is what Kafka computes', (text, expected) => {
  expect(murmur2(Buffer.from(text))).toBe(expected);
});

test('a partition lies within the topic', () => {
  for (let n = 0; n < 1000; n++) {
    const partition = partitionOf(`client-${n}`, 7);
    expect(partition).toBeGreaterThanOrEqual(0);
    expect(partition).toBeLessThan(7);
  }
});
