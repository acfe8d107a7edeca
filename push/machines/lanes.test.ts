import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Lanes } from './lanes.ts';

/** Random arrivals, takes of random size, and releases in random order. */
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('add' as const), transaction: fc.integer({ min: 0, max: 4 }) }),
    fc.record({ kind: fc.constant('take' as const), most: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant('release' as const), which: fc.nat() }),
  ),
  { maxLength: 300 },
);

test('each transaction comes in order, one request at a time, and none is left behind', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const lanes = new Lanes<number>();
      const taken = new Map<string, number[]>();
      const busy: string[] = [];
      let added = 0;
      const take = (most: number) => {
        let more = most - 1;
        const found = lanes.take(() => more-- > 0);
        if (found === undefined) return false;
        expect(busy).not.toContain(found.transaction);
        busy.push(found.transaction);
        taken.set(found.transaction, [...(taken.get(found.transaction) ?? []), ...found.items]);
        return true;
      };
      const release = (which: number) => {
        const [transaction] = busy.splice(which % busy.length, 1);
        lanes.release(transaction!);
      };
      for (const step of all) {
        if (step.kind === 'add') lanes.add(String(step.transaction), added++);
        else if (step.kind === 'take') take(step.most);
        else if (busy.length > 0) release(step.which);
      }
      while (busy.length > 0 || lanes.ready > 0) if (!take(1)) release(0);
      const items = [...taken.values()];
      for (const list of items) expect(list).toEqual(list.toSorted((a, b) => a - b));
      expect(items.flat().length).toBe(added);
    }),
  );
});

test('transactions take turns', () => {
  const lanes = new Lanes<number>();
  for (const [i, transaction] of ['a', 'a', 'a', 'b', 'c'].entries()) lanes.add(transaction, i);
  const order: string[] = [];
  for (let found = lanes.take(() => false); found !== undefined; found = lanes.take(() => false)) {
    order.push(found.transaction);
    lanes.release(found.transaction);
  }
  expect(order.join('')).toBe('abcaa');
});
