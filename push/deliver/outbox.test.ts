import { expect, test } from 'vitest';
import type { Range, Retired } from '../../journal/reading.ts';
import type { Position } from '../machines/progress.ts';
import { Outbox } from './outbox.ts';
import { NotJournaledAgainError } from './read-frames.ts';

const OPTIONS = { maxUnfinished: 100, batch: { messages: 10, bytes: 1_000, waitMs: 0 } };

/** A journal that holds nothing before `earliest`, and nothing of the endpoint after it. */
function gapsOf(position: Position, earliest: number): [after: number, until: number][] {
  const gaps: [number, number][] = [];
  const read = ({ after }: { after: number }): Range | Retired =>
    after < earliest - 1
      ? { kind: 'retired', earliest }
      : { kind: 'range', chunks: [], bytes: 0, count: 0, last: after, end: true };
  const outbox = new Outbox(read, position, OPTIONS, (after, until) => gaps.push([after, until]));
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

test('what waited for another try is tried again once a journal that is built anew holds it again', () => {
  const frame = (offset: number) =>
    Buffer.from(`{"offset":${offset},"time":"","type":"t","transaction":"t","id":"${offset}","payload":{}}\n`);
  let position = 0;
  const gaps: [number, number][] = [];
  const read = ({ after, until }: { readonly after: number; readonly until?: number }): Range => {
    if (until !== undefined && until >= position) throw new NotJournaledAgainError(until, position);
    // The log has retired what came before 5.
    const chunks = until !== undefined && until >= 5 ? [frame(until)] : [];
    return { kind: 'range', chunks, bytes: 0, count: chunks.length, last: until ?? after, end: true };
  };
  const unfinished = [3, 7, 8].map((offset) => ({ offset, attempts: 2, notBefore: 50 }));
  const saved = { scanned: 9, unfinished };
  const outbox = new Outbox(read, saved, OPTIONS, (after, until) => gaps.push([after, until]));
  for (position of [0, 8]) {
    expect(outbox.next('full', 100)).toBeUndefined();
    expect(outbox.nextAt()).toBeGreaterThan(100);
    expect([outbox.position(), outbox.unfinished, outbox.finishedUpTo]).toEqual([saved, 3, 2]);
  }
  position = 9;
  const first = outbox.next('full', 100)!;
  expect(gaps).toEqual([[2, 3]]);
  expect([first.items[0]!.offset, first.attempts]).toEqual([7, 2]);
  outbox.finish(first);
  const second = outbox.next('full', 100)!;
  expect(second.items[0]!.offset).toBe(8);
  outbox.finish(second);
  expect(outbox.position()).toEqual({ scanned: 9, unfinished: [] });
});
