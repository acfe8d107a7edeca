import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Lane, Lanes } from './lanes.ts';

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
      const busy: Lane<number>[] = [];
      let added = 0;
      const take = (most: number) => {
        let more = most - 1;
        const found = lanes.take(() => more-- > 0);
        if (found === undefined) return false;
        const { transaction } = found.lane;
        expect(busy.map((lane) => lane.transaction)).not.toContain(transaction);
        busy.push(found.lane);
        taken.set(transaction, [...(taken.get(transaction) ?? []), ...found.items]);
        return true;
      };
      const release = (which: number) => {
        const [lane] = busy.splice(which % busy.length, 1);
        lanes.release(lane!);
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
    order.push(found.lane.transaction);
    lanes.release(found.lane);
  }
  expect(order.join('')).toBe('abcaa');
});

test('what waits behind what is under way is what was not taken, however much was', () => {
  const lanes = new Lanes<number>();
  for (let i = 0; i < 200; i++) lanes.add('a', i);
  for (let taken = 1; taken <= 200; taken++) {
    const { lane } = lanes.take(() => false)!;
    expect(lane.waiting).toEqual(Array.from({ length: 200 - taken }, (_, i) => taken + i));
    expect(lanes.has('a')).toBe(true);
    lanes.release(lane);
  }
  expect(lanes.has('a')).toBe(false);
});
