import { expect, test } from 'vitest';
import { FirehoseNode, PartitionState } from '../../protocol/generated/node/v1m0/node_pb.js';
import { NodeDirectory } from './node-directory.ts';

const EXPIRY_MS = 6_000;
const HOUR = 3_600_000;
const record = (id: string, partitions: number[], epoch = 'e') =>
  FirehoseNode.toBinary({
    id,
    url: `http://${id}`,
    epoch,
    expiresAfterMs: EXPIRY_MS,
    partitions: partitions.map((partition) => ({
      partition,
      state: PartitionState.READY,
      lag: 0,
      progress: 1,
      earliest: 0,
    })),
  });
const ids = (directory: NodeDirectory) => directory.all().map(({ id }) => id);
const holders = (directory: NodeDirectory, partition: number) =>
  directory.copies(partition, 'e').map(({ node }) => node.id);

test('the latest record of a node counts, and null removes it', () => {
  const directory = new NodeDirectory();
  directory.apply('a', record('a', [0, 1]), 0, 0);
  directory.apply('b', record('b', [1]), 0, 0);
  directory.apply('c', record('c', [1], 'another'), 0, 0);
  expect([holders(directory, 0), holders(directory, 1), holders(directory, 2)]).toEqual([['a'], ['a', 'b'], []]);
  directory.apply('a', record('a', [2]), 1, 1);
  expect([holders(directory, 1), holders(directory, 2)]).toEqual([['b'], ['a']]);
  directory.apply('a', null, 2, 2);
  expect(ids(directory)).toEqual(['b', 'c']);
});

test('a node that falls silent while others are heard vanishes, and comes back when it speaks', () => {
  const directory = new NodeDirectory();
  directory.apply('a', record('a', [0]), 0, 0);
  for (let time = 0; time <= EXPIRY_MS; time += 1_000) directory.apply('b', record('b', [0]), time, time);
  expect(ids(directory)).toEqual(['a', 'b']);
  directory.apply('b', record('b', [0]), EXPIRY_MS + 1_000, EXPIRY_MS + 1_000);
  expect(ids(directory)).toEqual(['b']);
  expect(directory.get('a')).toBeUndefined();
  directory.apply('a', record('a', [0]), 9_000, 9_000);
  expect(ids(directory)).toEqual(['a', 'b']);
});

test('when nobody is heard nobody is dead, and after the silence everybody has the whole time to speak', () => {
  const directory = new NodeDirectory();
  directory.apply('a', record('a', [0]), 0, 0);
  directory.apply('b', record('b', [0]), 0, 0);
  directory.apply('b', record('b', [0]), HOUR, HOUR);
  expect(ids(directory)).toEqual(['a', 'b']);
  directory.apply('b', record('b', [0]), HOUR + EXPIRY_MS, HOUR + EXPIRY_MS);
  expect(ids(directory)).toEqual(['b']);
});

test('what lay on the topic for longer than any clock may be wrong is of a dead node', () => {
  const directory = new NodeDirectory();
  directory.apply('a', record('a', [0]), 0, HOUR);
  directory.apply('b', record('b', [0]), HOUR - 1_000, HOUR);
  expect(ids(directory)).toEqual(['b']);
});
