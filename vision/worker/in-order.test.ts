import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Contiguous, Turns } from './in-order.ts';

test('outcomes of one key are sent in the order of asking, however late the first is; other keys go on', async () => {
  const turns = new Turns();
  const sent: string[] = [];
  const first = Promise.withResolvers<string>();
  const send = async (value: string) => {
    sent.push(value);
  };
  const all = [
    turns.after('a', first.promise, send),
    turns.after('a', Promise.resolve('a2'), send),
    turns.after('b', Promise.resolve('b1'), send),
  ];
  await all[2];
  expect(sent).toEqual(['b1']);
  first.resolve('a1');
  await Promise.all(all);
  expect(sent).toEqual(['b1', 'a1', 'a2']);
});

test('a failure is its own and does not hold up the next', async () => {
  const turns = new Turns();
  const failed = turns.after('a', Promise.reject(new Error('broken')), async () => 'never');
  const next = turns.after('a', Promise.resolve(2), async (value) => value);
  await expect(failed).rejects.toThrow('broken');
  await expect(next).resolves.toBe(2);
});

test('done in any order, the position told is always that of the leading part that is done', () => {
  const batch = fc
    .uniqueArray(fc.nat(1000), { minLength: 1, maxLength: 30 })
    .map((offsets) => offsets.sort((a, b) => a - b))
    .chain((offsets) => fc.tuple(fc.constant(offsets), fc.shuffledSubarray([...offsets.keys()])));
  fc.assert(
    fc.property(batch, ([offsets, order]) => {
      const contiguous = new Contiguous(offsets);
      const done = new Set<number>();
      let told: number | undefined;
      for (const index of order) {
        done.add(index);
        const moved = contiguous.done(index);
        if (moved !== undefined) expect(moved).toBeGreaterThan(told ?? -1);
        told = moved ?? told;
        const firstOpen = offsets.findIndex((_, n) => !done.has(n));
        const expected = firstOpen === -1 ? offsets.at(-1) : offsets[firstOpen - 1];
        expect(told).toBe(expected);
      }
    }),
  );
});
