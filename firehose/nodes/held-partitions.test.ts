import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError } from '../../protocol/config/load.ts';
import { heldPartitions, holders, PARTITIONS_SYNTAX } from './held-partitions.ts';

const ALONE = { index: 0, count: 1, copies: 1 };

test.each([
  ['all', [0, 1, 2, 3, 4, 5, 6, 7]],
  ['none', []],
  ['0-3,7', [0, 1, 2, 3, 7]],
  ['7,2,2-3', [2, 3, 7]],
  ['assigned', [0, 1, 2, 3, 4, 5, 6, 7]],
])('%s', (wanted, partitions) => {
  expect(wanted).toMatch(new RegExp(PARTITIONS_SYNTAX));
  expect(heldPartitions(wanted, ALONE, 8)).toEqual(partitions);
});

test('what the topic does not have, or no node could hold, is refused', () => {
  expect(() => heldPartitions('0-8', ALONE, 8)).toThrow(ConfigError);
  expect(() => heldPartitions('3-1', ALONE, 8)).toThrow(ConfigError);
  expect(() => heldPartitions('assigned', { index: 2, count: 2, copies: 1 }, 8)).toThrow(ConfigError);
  expect(() => heldPartitions('assigned', { index: 0, count: 2, copies: 3 }, 8)).toThrow(ConfigError);
  for (const text of ['', '1-', 'everything', '1;2', '-1']) expect(text).not.toMatch(new RegExp(PARTITIONS_SYNTAX));
});

test('assigned: every partition lies on as many different nodes as there are copies, and the nodes share alike', () => {
  const nodes = fc
    .integer({ min: 1, max: 9 })
    .chain((count) => fc.record({ count: fc.constant(count), copies: fc.integer({ min: 1, max: count }) }));
  fc.assert(
    fc.property(nodes, fc.integer({ min: 1, max: 200 }), ({ count, copies }, total) => {
      const held = Array.from({ length: count }, (_, index) =>
        heldPartitions('assigned', { index, count, copies }, total),
      );
      for (let partition = 0; partition < total; partition++)
        expect(held.filter((partitions) => partitions.includes(partition))).toHaveLength(copies);
      const sizes = held.map(({ length }) => length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(2 * copies);
    }),
  );
});

test('the partitions of a lost node are taken over by all of the others', () => {
  const count = 5;
  const ofLost = Array.from({ length: 100 }, (_, partition) => holders(partition, { count, copies: 2 }))
    .filter((nodes) => nodes[0] === 0)
    .map((nodes) => nodes[1]);
  expect([1, 2, 3, 4].map((node) => ofLost.filter((other) => other === node).length)).toEqual([5, 5, 5, 5]);
});
