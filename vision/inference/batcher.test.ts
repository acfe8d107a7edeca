import fc from 'fast-check';
import { expect, test } from 'vitest';
import { atMost } from './at-most.ts';
import { Batcher, type Outputs, type RunBatch, type Sample } from './batcher.ts';

/** A model that doubles every number, and notes how many samples came and how many were run. */
function doubling(runs: { count: number; dims: readonly number[] }[]): RunBatch {
  return async (data, dims, count) => {
    runs.push({ count, dims });
    await new Promise(setImmediate);
    return { y: { data: data.map((value) => value * 2), dims: [count, ...dims] } };
  };
}
const sample = (...values: number[]): Sample => ({ data: Float32Array.from(values), dims: [values.length] });
const numbers = (outputs: Outputs) => [...outputs.y!.data];

test('what is asked for together runs together, each answer with its own numbers', async () => {
  const runs: { count: number; dims: readonly number[] }[] = [];
  const batcher = new Batcher(doubling(runs), { sizes: [1, 4], delayMs: 0 });
  const answers = await Promise.all([sample(1, 2), sample(3, 4), sample(5, 6)].map((one) => batcher.infer(one)));
  expect(answers.map(numbers)).toEqual([
    [2, 4],
    [6, 8],
    [10, 12],
  ]);
  // Three are filled up to four.
  expect(runs).toEqual([{ count: 4, dims: [2] }]);
  expect(batcher.counts).toEqual({ runs: 1, samples: 3 });
});

test('a lone sample waits no longer than it may, and is not filled up', async () => {
  const runs: { count: number; dims: readonly number[] }[] = [];
  const batcher = new Batcher(doubling(runs), { sizes: [1, 4], delayMs: 20 });
  const started = performance.now();
  await batcher.infer(sample(1));
  expect(performance.now() - started).toBeGreaterThanOrEqual(19);
  expect(runs).toEqual([{ count: 1, dims: [1] }]);
});

test('a full group does not wait for the delay', async () => {
  const batcher = new Batcher(doubling([]), { sizes: [1, 2], delayMs: 60_000 });
  expect((await Promise.all([sample(1), sample(2)].map((one) => batcher.infer(one)))).map(numbers)).toEqual([[2], [4]]);
});

test('when a run fails each of its samples goes again alone, and only the bad one fails', async () => {
  const run: RunBatch = async (data, dims, count) => {
    if (data.includes(13)) throw new Error('unlucky');
    return doubling([])(data, dims, count);
  };
  const batcher = new Batcher(run, { sizes: [4], delayMs: 0 });
  const answers = await Promise.allSettled([sample(1), sample(13), sample(2)].map((one) => batcher.infer(one)));
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(numbers(await batcher.infer(sample(3)))).toEqual([6]);
});

test('whatever is asked for and when, every sample gets its own answer and no run is larger than allowed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.boolean()), { maxLength: 30 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1 }),
      async (asked, allowed) => {
        const sizes = allowed.toSorted((a, b) => a - b);
        const runs: { count: number; dims: readonly number[] }[] = [];
        const batcher = new Batcher(doubling(runs), { sizes, delayMs: 0 });
        const answers: Promise<void>[] = [];
        for (const [n, [length, pause]] of asked.entries()) {
          const values = Array.from({ length }, (_, i) => n * 10 + i);
          answers.push(
            batcher.infer(sample(...values)).then((outputs) => {
              expect(numbers(outputs)).toEqual(values.map((value) => value * 2));
            }),
          );
          if (pause) await new Promise(setImmediate);
        }
        await Promise.all(answers);
        for (const { count } of runs) expect(sizes).toContain(count);
        expect(batcher.counts.samples).toBe(asked.length);
      },
    ),
    { numRuns: 50 },
  );
});

test('no more than so many are in work at once, results come in order, and nothing is begun after an error', async () => {
  let inWork = 0;
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    expect(++inWork).toBeLessThanOrEqual(2);
    await new Promise(setImmediate);
    inWork -= 1;
    if (item === 3) throw new Error('three');
    return item * 2;
  };
  expect(await atMost(2, [5, 1, 4], work)).toEqual([10, 2, 8]);
  begun.length = 0;
  await expect(atMost(1, [1, 2, 3, 4, 5], work)).rejects.toThrow('three');
  expect(begun).toEqual([1, 2, 3]);
});
