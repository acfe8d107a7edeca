import { expect, test } from 'vitest';
import type { Range, Retired } from '../../journal/reading.ts';
import type { Position } from '../machines/progress.ts';
import { Outbox } from './outbox.ts';

const OPTIONS = { maxUnfinished: 100, batch: { messages: 10, bytes: 1_000, waitMs: 0 } };

/** A journal that holds nothing before `earliest`, and nothing of the endpoint after it. */
function gapsOf(position: Position, earliest: number): [after: number, until: number][] {
  const gaps: [number, number][] = [];
  const read = ({ after }: { after: number }): Range | Retired =>
    after < earliest - 1
      ? { kind: 'retired', earliest }
      : { kind: 'range', chunks: [], bytes: 0, count: 0, last: after, end: true };
  const outbox = new Outbox(read, position, 'full', OPTIONS, (after, until) => gaps.push([after, until]));
  expect(outbox.next('full', 0)).toBeUndefined();
  expect(outbox.unfinished).toBe(0);
  return gaps;
}

test('what was retired from the journal before it was read is a gap, from the last offset that was read', () => {
  expect(gapsOf({ scanned: 10, unfinished: [] }, 20)).toEqual([[10, 19]]);
  expect(gapsOf({ scanned: 19, unfinished: [] }, 20)).toEqual([]);
});

test('what waited for another try and was retired while push was down is a gap', () => {
  const unfinished = [3, 7].map((offset) => ({ offset, attempts: 1, notBefore: 0 }));
  expect(gapsOf({ scanned: 30, unfinished }, 20)).toEqual([[2, 7]]);
});
