import { expect, test } from 'vitest';
import {
  assignGroup,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Member,
} from './group-protocol.ts';

const topics = new Map([['t', 4]]);
const partition = (number: number) => ({ topic: 't', partition: number });
const member = (name: string, generation: number, ...held: number[]): Member => ({
  member: name,
  topics: ['t'],
  generation,
  held: held.map(partition),
});
const numbersOf = (assigned: Map<string, { partition: number }[]>) =>
  Object.fromEntries(
    [...assigned].map(([name, partitions]) => [name, partitions.map((it) => it.partition).toSorted()]),
  );

test('a partition that moves is nobody’s until its holder has joined without it', () => {
  const first = numbersOf(assignGroup([member('a', 1, 0, 1, 2, 3), member('b', -1)], topics));
  expect(first).toEqual({ a: [0, 1], b: [] });
  const second = numbersOf(assignGroup([member('a', 2, 0, 1), member('b', 2)], topics));
  expect(second).toEqual({ a: [0, 1], b: [2, 3] });
});

test('what a member that left had goes to the others at once', () => {
  expect(numbersOf(assignGroup([member('b', 2, 2, 3)], topics))).toEqual({ b: [0, 1, 2, 3] });
});

test('of two that claim a partition the one with the later generation has it', () => {
  const assigned = numbersOf(assignGroup([member('zombie', 1, 0, 1), member('owner', 3, 0, 1)], topics));
  expect(assigned).toEqual({ zombie: [2, 3], owner: [0, 1] });
});

test('a topic that does not exist has nothing to assign', () => {
  expect(numbersOf(assignGroup([member('a', -1)], new Map([['t', 0]])))).toEqual({ a: [] });
});

test('what members and leaders say is read back', () => {
  const subscription = { topics: ['t', 'u'], generation: 7, held: [partition(3)] };
  expect(decodeSubscription(encodeSubscription(subscription))).toEqual(subscription);
  const assignment = [partition(0), partition(2), { topic: 'u', partition: 1 }];
  expect(decodeAssignment(encodeAssignment(assignment))).toEqual(assignment);
  expect(decodeAssignment(Buffer.alloc(0))).toEqual([]);
});
