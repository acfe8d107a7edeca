import { expect, test } from 'vitest';
import { until } from '../testing/bench.ts';
import { supervise } from './supervisor.ts';

/** Lives that end when the test says so. */
function lives() {
  const all: { fail: (error: Error) => void; closed: boolean }[] = [];
  const start = async () => {
    const ended = Promise.withResolvers<void>();
    const life = { fail: ended.reject, closed: false };
    all.push(life);
    return {
      ended: ended.promise,
      async close() {
        life.closed = true;
        ended.resolve();
      },
    };
  };
  return { all, start };
}

const BUDGET = { restarts: 2, windowMs: 1000, pauseMs: 0 };

test('a life that fails is closed and followed by another', async () => {
  const { all, start } = lives();
  const seen: unknown[] = [];
  const supervised = await supervise(start, BUDGET, (error) => seen.push((error as Error).message));
  all[0]!.fail(new Error('first'));
  await until(() => all.length === 2 && supervised.current() !== undefined);
  expect(all[0]!.closed).toBe(true);
  expect(seen).toEqual(['first']);
  await supervised.stop();
  expect(all[1]!.closed).toBe(true);
  expect(all).toHaveLength(2);
});

test('past its budget it is given up, and failures long ago do not count', async () => {
  const { all, start } = lives();
  const clock = { now: 0 };
  const supervised = await supervise(
    start,
    BUDGET,
    () => {},
    () => clock.now,
  );
  for (let n = 1; n <= 4; n++) {
    clock.now += 600;
    all.at(-1)!.fail(new Error(`failure ${n}`));
    await until(() => all.length === n + 1);
  }
  for (let n = 5; n <= 6; n++) {
    all.at(-1)!.fail(new Error(`failure ${n}`));
    await until(() => all.length === n + 1 || supervised.givenUp() !== undefined);
  }
  expect((supervised.givenUp() as Error).message).toMatch(/failure/);
  expect(supervised.current()).toBeUndefined();
  await supervised.stop();
});

test('one that cannot even start is told at once', async () => {
  await expect(
    supervise(
      () => Promise.reject(new Error('no topic')),
      BUDGET,
      () => {},
    ),
  ).rejects.toThrow('no topic');
});
