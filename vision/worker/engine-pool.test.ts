import { expect, test } from 'vitest';
import type { Engine, ImageAnalysis } from './engine.ts';
import { enginePool } from './engine-pool.ts';

const ANALYSIS: ImageAnalysis = { results: [], models: [], durationMs: 1 };
const OPTIONS = { timeoutMs: 1000, signal: new AbortController().signal };

/** An engine that answers when the test says so. */
function scripted(name: string) {
  const waiting: { imageId: string; answer: () => void }[] = [];
  const engine = {
    isReady: true,
    closed: false,
    ready: async () => {},
    analyse: ({ imageId }: { imageId: string }) =>
      new Promise<ImageAnalysis>((resolve) => {
        waiting.push({ imageId, answer: () => resolve(ANALYSIS) });
      }),
    state: () => ({ ready: engine.isReady, detail: name }),
    close: async () => {
      engine.closed = true;
    },
  };
  return Object.assign(engine satisfies Engine, { waiting });
}

const submit = (pool: Engine, imageId: string) => pool.analyse({ imageId, bytes: new Uint8Array() }, {}, OPTIONS);
const held = (engine: ReturnType<typeof scripted>) => engine.waiting.map(({ imageId }) => imageId);

test('an image goes where there is least to do', async () => {
  const [a, b] = [scripted('a'), scripted('b')];
  const pool = enginePool([a, b]);
  const answers = ['1', '2', '3'].map((imageId) => submit(pool, imageId));
  expect([held(a), held(b)]).toEqual([['1', '3'], ['2']]);
  b.waiting[0]!.answer();
  await answers[1];
  void submit(pool, '4');
  expect(held(b)).toEqual(['2', '4']);
});

test('one that is being replaced gets nothing while another is ready, and does not make the service unready', () => {
  const [a, b] = [scripted('a'), scripted('b')];
  a.isReady = false;
  const pool = enginePool([a, b]);
  void submit(pool, '1');
  void submit(pool, '2');
  expect([held(a), held(b)]).toEqual([[], ['1', '2']]);
  expect(pool.state()).toEqual({ ready: true, detail: '1 of 2 processes: b' });
  b.isReady = false;
  expect(pool.state().ready).toBe(false);
});

test('closing closes all', async () => {
  const engines = [scripted('a'), scripted('b')];
  await enginePool(engines).close();
  expect(engines.map(({ closed }) => closed)).toEqual([true, true]);
});

test('a pool of one is that one', () => {
  const only = scripted('a');
  expect(enginePool([only])).toBe(only);
  expect(() => enginePool([])).toThrow(RangeError);
});
