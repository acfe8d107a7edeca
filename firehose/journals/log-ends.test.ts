import { expect, test } from 'vitest';
import { LogEnds } from './log-ends.ts';

/** A log whose only partition grows by one with every question. */
function growingLog() {
  const log = {
    asked: 0,
    away: false,
    async watermarks() {
      log.asked++;
      if (log.away) throw new Error('the log is away');
      return [{ partition: 3, earliest: 0, end: log.asked }];
    },
  };
  return log;
}

test('those who ask for the same moment share one answer, asked after it', async () => {
  const log = growingLog();
  let now = 100;
  const ends = new LogEnds(log, () => now);
  const all = await Promise.all([ends.after(99, 3), ends.after(99, 3), ends.after(50, 3)]);
  expect(all).toEqual([1, 1, 1]);
  now = 200;
  expect(await ends.after(99, 3)).toBe(1);
  // Asked at 100, that answer may be older than something that happened at 100.
  expect(await ends.after(100, 3)).toBe(2);
  expect(await ends.after(150, 3)).toBe(2);
  expect(log.asked).toBe(2);
});

test('no answer is not remembered', async () => {
  const log = growingLog();
  const ends = new LogEnds(log, () => 100);
  log.away = true;
  await expect(ends.after(0, 3)).rejects.toThrow('the log is away');
  log.away = false;
  expect(await ends.after(0, 3)).toBe(2);
});
