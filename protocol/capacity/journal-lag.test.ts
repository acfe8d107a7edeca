import { expect, test } from 'vitest';
import { journalLag } from './journal-lag.ts';

/** @param partitions of each: earliest and end on the log, position of the journal */
function sampleOf(...partitions: readonly { earliest?: number; end: number; position?: number }[]) {
  const log = {
    watermarks: async () => partitions.map(({ earliest = 0, end }, partition) => ({ partition, earliest, end })),
  };
  const journals = {
    positions: () =>
      new Map(
        partitions.flatMap(({ position }, partition) =>
          position === undefined ? [] : [[partition, position] as const],
        ),
      ),
  };
  return journalLag(log, journals);
}

test('the lag is that of all partitions of this node together, without what the log holds no more', async () => {
  const sample = sampleOf({ end: 120, position: 100 }, { earliest: 90, end: 100, position: 10 }, { end: 5_000 });
  expect(await sample()).toEqual({ lag: 30, done: 110 });
});

test('nothing is said before the journals are open', async () => {
  expect(await sampleOf({ end: 5 })()).toBeUndefined();
});

test('a node that builds its journals says nothing until it has caught up, and everything from then on', async () => {
  const partition = { end: 50_000, position: 10 };
  const sample = sampleOf(partition);
  expect(await sample()).toBeUndefined();
  partition.position = 49_500;
  expect(await sample()).toEqual({ lag: 500, done: 49_500 });
  partition.end = 90_000;
  expect(await sample()).toEqual({ lag: 40_500, done: 49_500 });
});
