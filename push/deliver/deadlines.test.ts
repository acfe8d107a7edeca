import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Deadlines } from './deadlines.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function expiring(name: string, expired: string[]) {
  return { expire: () => expired.push(name) };
}

test('what is not taken out in time expires, each at its own moment, with one timer for all', () => {
  const deadlines = new Deadlines(100);
  const expired: string[] = [];
  const [a, b, c] = ['a', 'b', 'c'].map((name) => expiring(name, expired));
  deadlines.add(a!);
  vi.advanceTimersByTime(40);
  const taken = deadlines.add(b!);
  deadlines.add(c!);
  expect(vi.getTimerCount()).toBe(1);
  deadlines.delete(taken);
  vi.advanceTimersByTime(59);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(expired).toEqual(['a']);
  vi.advanceTimersByTime(40);
  expect(expired).toEqual(['a', 'c']);
  expect(vi.getTimerCount()).toBe(0);
});

test('what is added after all that was there has finished has its full time', () => {
  const deadlines = new Deadlines(100);
  const expired: string[] = [];
  deadlines.delete(deadlines.add(expiring('first', expired)));
  vi.advanceTimersByTime(90);
  deadlines.add(expiring('second', expired));
  vi.advanceTimersByTime(99);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(expired).toEqual(['second']);
});

test('whichever is taken out, and however often, the others expire', () => {
  for (const which of [0, 1, 2]) {
    const deadlines = new Deadlines(100);
    const expired: string[] = [];
    const names = ['a', 'b', 'c'];
    const set = names.map((name) => deadlines.add(expiring(name, expired)));
    deadlines.delete(set[which]!);
    deadlines.delete(set[which]!);
    deadlines.add(expiring('d', expired));
    vi.advanceTimersByTime(100);
    expect(expired).toEqual([...names.toSpliced(which, 1), 'd']);
  }
});

test('nothing expires once they are closed', () => {
  const deadlines = new Deadlines(100);
  const expired: string[] = [];
  deadlines.add(expiring('a', expired));
  deadlines.close();
  vi.advanceTimersByTime(1000);
  expect(expired).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
