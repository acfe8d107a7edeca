import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BEGINNING, type Position, Progress } from './progress.ts';

/** Offsets rise and are not dense; each is finished, has failed, or is only read when the process dies. */
const runs = fc.array(
  fc.record({
    gap: fc.integer({ min: 1, max: 5 }),
    outcome: fc.constantFrom('finished' as const, 'failed' as const, 'read' as const),
    when: fc.nat(),
  }),
  { maxLength: 60 },
);

test('after a restart exactly what was not finished comes again', () => {
  fc.assert(
    fc.property(runs, (run) => {
      const progress = new Progress(BEGINNING);
      let offset = -1;
      const all = run.map(({ gap, outcome, when }) => {
        offset += gap;
        progress.begin(offset);
        return { offset, outcome, when };
      });
      for (const it of all.toSorted((a, b) => a.when - b.when)) {
        if (it.outcome === 'finished') progress.finish(it.offset);
        if (it.outcome === 'failed') progress.failed(it.offset, 2, 99);
      }
      const stored = JSON.parse(JSON.stringify(progress.position())) as Position;
      const again = all.filter(
        (it) => it.offset > stored.scanned || stored.unfinished.some(({ offset: at }) => at === it.offset),
      );
      expect(again).toEqual(all.filter(({ outcome }) => outcome !== 'finished'));
      for (const { offset: at, attempts } of stored.unfinished)
        expect(attempts).toBe(all.find((it) => it.offset === at)!.outcome === 'failed' ? 2 : 0);
    }),
  );
});

test('everything up to finishedUpTo is finished, and nothing finished lies directly behind it', () => {
  const progress = new Progress(BEGINNING);
  expect(progress.finishedUpTo).toBe(-1);
  for (const offset of [3, 5, 9]) progress.begin(offset);
  progress.finish(5);
  expect(progress.finishedUpTo).toBe(2);
  progress.finish(3);
  expect(progress.finishedUpTo).toBe(8);
  progress.finish(9);
  expect(progress.finishedUpTo).toBe(9);
});

test('what was only read ahead is not stored', () => {
  const progress = new Progress({ scanned: 10, unfinished: [] });
  for (let offset = 11; offset < 500; offset++) progress.begin(offset);
  progress.finish(12);
  expect(progress.position()).toEqual({ scanned: 12, unfinished: [{ offset: 11, attempts: 0, notBefore: 0 }] });
});
