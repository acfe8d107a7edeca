import { expect, test } from 'vitest';
import { UsageError } from './errors.ts';
import { streamRequest } from './stream-options.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const from = (since: string) => streamRequest({ since }, NOW).from;

test.each([
  ['earliest', 'earliest'],
  ['latest', 'latest'],
  ['10m', { time: '2026-01-31T11:50:00.000Z' }],
  ['1.5h', { time: '2026-01-31T10:30:00.000Z' }],
  ['90s', { time: '2026-01-31T11:58:30.000Z' }],
  ['7d', { time: '2026-01-24T12:00:00.000Z' }],
  ['2026-01-30T00:00:00+01:00', { time: '2026-01-29T23:00:00.000Z' }],
  ['42', { offset: 42 }],
  ['-1', { offset: -1 }],
  ['e7:42', { epoch: 'e7', offset: 42 }],
])('--since %s', (since, expected) => {
  expect(from(since)).toEqual(expected);
});

test.each([
  ['100', { messages: 100 }],
  ['0.5/s', { messages: 0.5 }],
  ['64KiB', { bytes: 65_536 }],
  ['100,1MB/s', { messages: 100, bytes: 1_000_000 }],
])('--rate %s', (rate, expected) => {
  expect(streamRequest({ rate }, NOW).max_rate).toEqual(expected);
});

test('what is said of messages becomes one filter', () => {
  const flags = { types: 'a.v1m0.B, a.v1m0.C', transactions: 't1', minConfidence: '0.5', filter: 'payload.x > 1' };
  expect(streamRequest(flags, NOW).filter).toEqual({
    types: ['a.v1m0.B', 'a.v1m0.C'],
    transactions: ['t1'],
    min_confidence: 0.5,
    expression: 'payload.x > 1',
  });
});

test('nothing said asks for everything that comes, and fails on a gap', () => {
  expect(streamRequest({}, NOW)).toEqual({ gap: 'fail' });
});

test('a consumer begins at its checkpoint', () => {
  expect(streamRequest({ consumer: 'w' }, NOW).from).toEqual({ consumer: 'w' });
});

test.each([
  [{ since: '10x' }, /--since takes earliest, latest, a duration.*not '10x'/],
  [{ since: 'yesterday' }, /--since/],
  [{ since: '2026-13-01' }, /--since/],
  [{ since: 'latest', consumer: 'w' }, /--consumer begins at its checkpoint/],
  [{ until: 'later' }, /--until takes a time/],
  [{ rate: 'fast' }, /--rate takes messages per second/],
  [{ rate: '0' }, /--rate/],
  [{ rate: '1,2' }, /--rate/],
  [{ types: 'a,,b' }, /--types takes values separated by commas/],
  [{ minConfidence: '2' }, /--min-confidence takes a number from 0 to 1/],
  [{ onGap: 'ignore' }, /--on-gap takes fail, continue; not 'ignore'/],
])('%j is wrong usage, and the option says what it takes', (flags, message) => {
  expect(() => streamRequest(flags, NOW)).toThrow(UsageError);
  expect(() => streamRequest(flags, NOW)).toThrow(message);
});
