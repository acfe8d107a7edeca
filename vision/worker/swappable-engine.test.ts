import { expect, test } from 'vitest';
import type { Engine, ImageAnalysis } from './engine.ts';
import { SwappableEngine } from './swappable-engine.ts';

const ANALYSIS: ImageAnalysis = { results: [], models: [], durationMs: 1 };
const OPTIONS = { timeoutMs: 1000, signal: new AbortController().signal };

/** An engine that becomes ready and answers when the test says so. */
function scripted(name: string) {
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  const waiting: { imageId: string; answer: () => void }[] = [];
  const engine = {
    closed: 0,
    ready: () => ready.promise,
    analyse: ({ imageId }: { imageId: string }) =>
      new Promise<ImageAnalysis>((resolve) => {
        waiting.push({ imageId, answer: () => resolve(ANALYSIS) });
      }),
    state: () => ({ ready: true, detail: name }),
    close: async () => {
      engine.closed += 1;
      ready.reject(new Error('closed'));
    },
  };
  return Object.assign(engine satisfies Engine, { waiting, becomesReady: ready.resolve, fails: ready.reject });
}

const submit = (engine: Engine, imageId: string) => engine.analyse({ imageId, bytes: new Uint8Array() }, {}, OPTIONS);
const held = (engine: ReturnType<typeof scripted>) => engine.waiting.map(({ imageId }) => imageId);

test('images go to the old engine until the new one is ready, and the old one is closed when it has answered', async () => {
  const [old, next] = [scripted('old'), scripted('next')];
  const engine = new SwappableEngine(old);
  const answers = [submit(engine, '1')];
  const replaced = engine.replaceBy(next);
  answers.push(submit(engine, '2'));
  next.becomesReady();
  await replaced;
  answers.push(submit(engine, '3'));
  expect([held(old), held(next)]).toEqual([['1', '2'], ['3']]);
  expect(engine.state().detail).toBe('next');
  old.waiting[0]!.answer();
  await answers[0];
  expect(old.closed).toBe(0);
  old.waiting[1]!.answer();
  await answers[1];
  expect(old.closed).toBe(1);
  next.waiting[0]!.answer();
  await answers[2];
  expect(next.closed).toBe(0);
});

test('an idle engine is closed at once', async () => {
  const [old, next] = [scripted('old'), scripted('next')];
  const engine = new SwappableEngine(old);
  next.becomesReady();
  await engine.replaceBy(next);
  expect(old.closed).toBe(1);
});

test('one that does not become ready is closed and changes nothing', async () => {
  const [old, next] = [scripted('old'), scripted('next')];
  const engine = new SwappableEngine(old);
  next.fails(new Error('no such model'));
  await expect(engine.replaceBy(next)).rejects.toThrow('no such model');
  void submit(engine, '1');
  expect([held(old), old.closed, next.closed]).toEqual([['1'], 0, 1]);
});

test('closing closes the old one that is still at work, and does not wait for one that is being warmed up', async () => {
  const [old, next, late] = [scripted('old'), scripted('next'), scripted('late')];
  const engine = new SwappableEngine(old);
  void submit(engine, '1');
  next.becomesReady();
  await engine.replaceBy(next);
  const replaced = expect(engine.replaceBy(late)).rejects.toThrow('closed');
  await engine.close();
  await replaced;
  expect([old.closed, next.closed]).toEqual([1, 1]);
  expect(late.closed).toBeGreaterThan(0);
  await expect(engine.replaceBy(scripted('too late'))).rejects.toThrow('being stopped');
});
