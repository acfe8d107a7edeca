import { expect, test } from 'vitest';
import { CommittedValue } from './last-committed.ts';

const record = (key: string, value: string | null) => ({
  offset: 0,
  timestamp: 0,
  key,
  value: value === null ? null : Buffer.from(value),
  headers: {},
});

function valueAfter(...batches: Parameters<CommittedValue['take']>[]): string | undefined {
  const committed = new CommittedValue('m');
  for (const batch of batches) committed.take(...batch);
  return committed.value?.toString();
}

test('a transaction counts once it is committed, and for its own producer alone', () => {
  expect(valueAfter([1n, 'transactional', [record('m', 'a')]])).toBeUndefined();
  expect(valueAfter([1n, 'transactional', [record('m', 'a')]], [2n, 'commit', []])).toBeUndefined();
  expect(valueAfter([1n, 'transactional', [record('m', 'a')]], [1n, 'commit', []])).toBe('a');
});

test('what was aborted does not count, then or with the next commit', () => {
  const first = [1n, 'transactional', [record('m', 'a')]] as Parameters<CommittedValue['take']>;
  expect(
    valueAfter(
      first,
      [1n, 'commit', []],
      [1n, 'transactional', [record('m', 'b')]],
      [1n, 'abort', []],
      [1n, 'transactional', [record('other', 'c')]],
      [1n, 'commit', []],
    ),
  ).toBe('a');
});

test('the last of a key counts, and a deletion is one', () => {
  expect(valueAfter([-1n, 'plain', [record('m', 'a'), record('x', 'y'), record('m', 'b')]])).toBe('b');
  expect(valueAfter([-1n, 'plain', [record('m', 'a'), record('m', null)]])).toBeUndefined();
});
