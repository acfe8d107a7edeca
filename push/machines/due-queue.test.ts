import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueQueue } from './due-queue.ts';

test('gives what is due in the order of time, and nothing before its time', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100 })), fc.integer({ min: 0, max: 100 }), (times, now) => {
      const queue = new DueQueue<number>();
      for (const at of times) queue.add(at, at);
      const taken: number[] = [];
      for (let at = queue.take(now); at !== undefined; at = queue.take(now)) taken.push(at);
      const sorted = times.toSorted((a, b) => a - b);
      expect(taken).toEqual(sorted.filter((at) => at <= now));
      expect(queue.nextAt).toBe(sorted.find((at) => at > now) ?? Number.POSITIVE_INFINITY);
      expect(queue.drain().sort((a, b) => a - b)).toEqual(sorted.filter((at) => at > now));
      expect(queue.size).toBe(0);
    }),
  );
});
