import { expect, test } from 'vitest';
import { PartitionStanding } from './partition-standing.ts';

const MAX_DELAY_MS = 30_000;
const opened = (position: number, end: number, isNew = false) =>
  new PartitionStanding({ position, end, isNew, time: 0 }, MAX_DELAY_MS);

test('a journal at the end of the log is ready at once, new or not', () => {
  expect(opened(0, 0, true).at(0)).toMatchObject({ state: 'ready', lag: 0, progress: 1 });
  expect(opened(70, 70).at(0)).toMatchObject({ state: 'ready' });
});

test('a new journal is rebuilt, an old one catches up; both tell how far they are and how long it takes', () => {
  for (const [isNew, state] of [
    [true, 'rebuilding'],
    [false, 'catching_up'],
  ] as const) {
    const standing = opened(100, 1_100, isNew);
    expect(standing.at(0)).toMatchObject({ state, lag: 1_000, progress: 0, secondsLeft: undefined });
    standing.saw(350, 1_100, 5_000);
    expect(standing.at(5_000)).toMatchObject({ state, lag: 750, progress: 0.25, secondsLeft: 15 });
    standing.saw(1_100, 1_100, 20_000);
    expect(standing.at(20_000)).toMatchObject({ state: 'ready' });
  }
});

test('with more coming all the time it is ready once what was there a moment ago is in the journal', () => {
  const standing = opened(0, 1_000, true);
  standing.saw(1_000, 1_500, 10_000);
  expect(standing.at(10_000)).toMatchObject({ state: 'rebuilding', lag: 500 });
  standing.saw(1_400, 1_600, 11_000);
  expect(standing.at(11_000).state).toBe('rebuilding');
  standing.saw(1_550, 1_650, 11_500);
  expect(standing.at(11_500)).toMatchObject({ state: 'ready', lag: 100 });
});

test('a burst does not make it unready, a standstill does, and then it has to catch up again', () => {
  const standing = opened(10, 10);
  standing.saw(10, 90_000, 1_000);
  standing.saw(40_000, 95_000, 20_000);
  expect(standing.at(20_000)).toMatchObject({ state: 'ready', lag: 55_000 });
  standing.saw(90_000, 99_000, 30_000);
  expect(standing.at(30_000).state).toBe('ready');
  standing.saw(90_000, 99_000, 60_001);
  expect(standing.at(60_001)).toMatchObject({ state: 'catching_up', lag: 9_000, progress: 0 });
  standing.saw(99_000, 99_500, 61_000);
  expect(standing.at(61_000).state).toBe('catching_up');
  standing.saw(99_500, 99_500, 61_100);
  expect(standing.at(61_100).state).toBe('ready');
});

test('after a time in which nobody looked, what came meanwhile has to be taken in first', () => {
  const standing = opened(10, 10);
  standing.saw(10, 10, 1_000);
  standing.saw(10, 900, 1_000 + MAX_DELAY_MS + 1);
  expect(standing.at(40_000).state).toBe('catching_up');
  standing.saw(900, 900, 32_000);
  expect(standing.at(40_000).state).toBe('ready');
  standing.saw(900, 900, 90_000);
  expect(standing.at(90_000).state).toBe('ready');
});
