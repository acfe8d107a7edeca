import { expect, test } from 'vitest';
import type { Answer } from './answer.ts';
import { afterAnswer, type Health, noticeOf, WELL } from './health.ts';

const OPTIONS = { parkAfterMs: 100, disableAfterMs: 1000 };
const DELIVERED: Answer = { kind: 'delivered' };
const FAILED: Answer = { kind: 'failed', cause: '500' };

/** What the client is told, and where it ends. */
function story(answers: readonly (readonly [number, Answer])[]): { told: string[]; end: Health } {
  const told: string[] = [];
  let health = WELL;
  for (const [now, answer] of answers) {
    const next = afterAnswer(health, answer, now, OPTIONS);
    const notice = noticeOf(health, next);
    if (notice !== undefined) told.push(`${now} ${notice}`);
    health = next;
  }
  return { told, end: health };
}

test('a short failure is nobody’s business', () => {
  expect(
    story([
      [0, FAILED],
      [50, FAILED],
      [60, DELIVERED],
    ]),
  ).toEqual({ told: [], end: WELL });
});

test('a longer one parks it, once, and its end is told', () => {
  const { told, end } = story([
    [0, FAILED],
    [100, FAILED],
    [300, FAILED],
    [500, DELIVERED],
  ]);
  expect(told).toEqual(['100 parked', '500 resumed']);
  expect(end).toBe(WELL);
});

test('a success in between begins the count anew', () => {
  expect(
    story([
      [0, FAILED],
      [90, DELIVERED],
      [110, FAILED],
      [190, FAILED],
    ]).told,
  ).toEqual([]);
});

test('a very long one disables it, and no late success brings it back', () => {
  const { told, end } = story([
    [0, FAILED],
    [100, FAILED],
    [1000, FAILED],
    [1001, DELIVERED],
    [1002, FAILED],
  ]);
  expect(told).toEqual(['100 parked', '1000 disabled']);
  expect(end).toEqual({ kind: 'disabled', since: 0, cause: '500' });
});

test('410 disables it at once', () => {
  expect(story([[7, { kind: 'gone' }]])).toMatchObject({ told: ['7 disabled'], end: { kind: 'disabled', since: 7 } });
});
