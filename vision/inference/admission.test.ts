import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Admission } from './admission.ts';

test('lets in as many as the child takes, in order', () => {
  const admission = new Admission(2);
  for (const id of [1, 2, 3]) admission.add({ id });
  expect([admission.enter()?.id, admission.enter()?.id, admission.enter()]).toEqual([1, 2, undefined]);
  expect(admission.leave(1)?.id).toBe(1);
  expect(admission.enter()?.id).toBe(3);
  expect(admission.head?.id).toBe(2);
});

test('blames an image only if it was alone in the child', () => {
  const admission = new Admission(2);
  for (const id of [1, 2, 3]) admission.add({ id });
  admission.enter();
  admission.enter();
  expect(admission.lost(false)).toBeUndefined();
  expect([admission.enter()?.id, admission.enter()]).toEqual([1, undefined]);
  expect(admission.lost(false)?.id).toBe(1);
  expect([admission.enter()?.id, admission.enter()]).toEqual([2, undefined]);
  admission.leave(2);
  expect(admission.enter()?.id).toBe(3);
});

test('does not single out images that were in the child when it was stopped for another', () => {
  const admission = new Admission(3);
  for (const id of [1, 2, 3]) admission.add({ id });
  for (let i = 0; i < 3; i++) admission.enter();
  admission.leave(1);
  expect(admission.lost(true)).toBeUndefined();
  expect([admission.enter()?.id, admission.enter()?.id]).toEqual([2, 3]);
});

test('whatever happens, every image is answered exactly once and none is blamed with company', () => {
  const step = fc.constantFrom('add', 'enter', 'leave', 'die', 'stop', 'withdraw');
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), (concurrency, steps) => {
      const admission = new Admission(concurrency);
      const answered: number[] = [];
      let added = 0;
      for (const name of steps) {
        if (name === 'add') admission.add({ id: added++ });
        if (name === 'enter') admission.enter();
        if (name === 'leave' && admission.head !== undefined) answered.push(admission.leave(admission.head.id)!.id);
        if (name === 'stop') expect(admission.lost(true)).toBeUndefined();
        if (name === 'withdraw' && admission.withdraw(added - 1)) answered.push(added - 1);
        if (name === 'die') {
          const alone = admission.inside === 1;
          const culprit = admission.lost(false);
          expect(culprit !== undefined).toBe(alone);
          if (culprit !== undefined) answered.push(culprit.id);
        }
        expect(admission.inside).toBeLessThanOrEqual(concurrency);
      }
      answered.push(...admission.clear().map((request) => request.id));
      expect(answered.toSorted((a, b) => a - b)).toEqual(Array.from({ length: added }, (_, id) => id));
    }),
  );
});
