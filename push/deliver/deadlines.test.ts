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
  deadlines.add(b!);
  deadlines.add(c!);
  expect(vi.getTimerCount()).toBe(1);
  deadlines.delete(b!);
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
  const first = expiring('first', expired);
  deadlines.add(first);
  deadlines.delete(first);
  vi.advanceTimersByTime(90);
  deadlines.add(expiring('second', expired));
  vi.advanceTimersByTime(99);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(expired).toEqual(['second']);
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
