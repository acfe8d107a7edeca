import { expect, test } from 'vitest';
import { Gate } from './gate.ts';

const never = new AbortController().signal;

/** Lets everything that can go on do so. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

function enter(gate: Gate, bytes: number, alone = false, signal = never, since = 0) {
  const state = { inside: false, leave: () => {} };
  const done = gate.enter({ bytes, alone, since }, signal).then((leave) => {
    state.inside = true;
    state.leave = () => {
      state.inside = false;
      leave();
    };
  });
  return Object.assign(state, { done });
}

test('count and bytes are both bounds', async () => {
  const gate = new Gate({ count: 2, bytes: 100 });
  const [a, b, c] = [enter(gate, 60), enter(gate, 60), enter(gate, 10)];
  await settle();
  expect([a, b, c].map(({ inside }) => inside)).toEqual([true, false, false]);
  a.leave();
  await settle();
  expect([b, c].map(({ inside }) => inside)).toEqual([true, true]);
  const d = enter(gate, 1);
  await settle();
  expect(d.inside).toBe(false);
  b.leave();
  await settle();
  expect(d.inside).toBe(true);
  expect([gate.count, gate.bytes]).toEqual([2, 11]);
});

test('one that exceeds the bound gets in alone rather than never', async () => {
  const gate = new Gate({ count: 4, bytes: 100 });
  const small = enter(gate, 10);
  const large = enter(gate, 1000);
  await settle();
  expect(large.inside).toBe(false);
  small.leave();
  await settle();
  expect(large.inside).toBe(true);
  const next = enter(gate, 1);
  await settle();
  expect(next.inside).toBe(false);
});

test('a suspect has company neither before nor after', async () => {
  const gate = new Gate({ count: 4, bytes: 100 });
  const before = enter(gate, 1);
  const suspect = enter(gate, 1, true);
  const after = enter(gate, 1);
  await settle();
  expect([before, suspect, after].map(({ inside }) => inside)).toEqual([true, false, false]);
  before.leave();
  await settle();
  expect([suspect, after].map(({ inside }) => inside)).toEqual([true, false]);
  suspect.leave();
  await settle();
  expect(after.inside).toBe(true);
});

test('one that gives up waiting lets those behind it through', async () => {
  const gate = new Gate({ count: 2, bytes: 100 });
  const inside = enter(gate, 50);
  const impatient = new AbortController();
  const waiting = enter(gate, 100, false, impatient.signal);
  const behind = enter(gate, 10);
  await settle();
  expect(behind.inside).toBe(false);
  impatient.abort(new Error('no more'));
  await expect(waiting.done).rejects.toThrow('no more');
  await settle();
  expect(behind.inside).toBe(true);
  inside.leave();
});

test('what has waited longest on the log goes first, and may pass what waits for more room', async () => {
  const gate = new Gate({ count: 1, bytes: 100 });
  const inside = enter(gate, 1);
  const [late, early, latest] = [3, 1, 4].map((since) => enter(gate, 1, false, never, since));
  const order: string[] = [];
  for (const [name, one] of Object.entries({ late, early, latest })) {
    void one!.done.then(() => {
      order.push(name);
      one!.leave();
    });
  }
  await settle();
  inside.leave();
  await Promise.all([late!.done, early!.done, latest!.done]);
  expect(order).toEqual(['early', 'late', 'latest']);

  const roomy = new Gate({ count: 4, bytes: 100 });
  enter(roomy, 60);
  const large = enter(roomy, 60, false, never, 2);
  const older = enter(roomy, 10, false, never, 1);
  await settle();
  expect([large, older].map(({ inside }) => inside)).toEqual([false, true]);
});
