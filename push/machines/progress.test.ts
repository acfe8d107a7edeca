import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Position, Progress, type Tracked } from './progress.ts';

const tracked = (offset: number): Tracked => ({ offset, attempts: 0, notBefore: 0, isFinished: false });

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
      const progress = new Progress(-1);
      let offset = -1;
      const all = run.map(({ gap, outcome, when }) => {
        offset += gap;
        const message = tracked(offset);
        progress.begin(message);
        return { message, offset, outcome, when };
      });
      for (const it of all.toSorted((a, b) => a.when - b.when)) {
        if (it.outcome === 'finished') progress.finish(it.message);
        if (it.outcome === 'failed') progress.failed(it.message, 2, 99);
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
  const progress = new Progress(-1);
  expect(progress.finishedUpTo).toBe(-1);
  const [first, second, third] = [3, 5, 9].map(tracked) as [Tracked, Tracked, Tracked];
  for (const message of [first, second, third]) progress.begin(message);
  progress.finish(second);
  expect(progress.finishedUpTo).toBe(2);
  progress.finish(first);
  expect(progress.finishedUpTo).toBe(8);
  progress.finish(third);
  expect(progress.finishedUpTo).toBe(9);
});

test('what was only read ahead is not stored', () => {
  const progress = new Progress(10);
  const messages = Array.from({ length: 489 }, (_, i) => tracked(11 + i));
  for (const message of messages) progress.begin(message);
  progress.finish(messages[1]!);
  expect(progress.position()).toEqual({ scanned: 12, unfinished: [{ offset: 11, attempts: 0, notBefore: 0 }] });
});

test('one message that waits for long neither holds up what is told nor gets lost among thousands that are finished', () => {
  const progress = new Progress(-1);
  const stuck = tracked(0);
  progress.begin(stuck);
  progress.failed(stuck, 1, 99);
  for (let offset = 1; offset <= 10_000; offset++) {
    const message = tracked(offset);
    progress.begin(message);
    progress.finish(message);
  }
  expect(progress.position()).toEqual({ scanned: 10_000, unfinished: [{ offset: 0, attempts: 1, notBefore: 99 }] });
  expect([progress.unfinishedCount, progress.finishedUpTo]).toEqual([1, -1]);
  progress.finish(stuck);
  expect([progress.unfinishedCount, progress.finishedUpTo]).toEqual([0, 10_000]);
});
