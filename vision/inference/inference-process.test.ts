import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { resultsAgree } from '../check/difference.ts';
import {
  type InferenceEvent,
  type InferenceProcess,
  type InferenceProcessOptions,
  startInferenceProcess,
} from './inference-process.ts';

const sample = (file: string) => readFileSync(new URL(`../samples/${file}`, import.meta.url));
const card = sample('card.jpg');
const page = sample('page.png');

const open: InferenceProcess[] = [];
function start(options: Partial<InferenceProcessOptions> = {}): InferenceProcess {
  const restart = { firstDelayMs: 1, maxDelayMs: 10 };
  const process = startInferenceProcess({ service: 'barcode', threads: 1, restart, ...options });
  open.push(process);
  return process;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((process) => process.close()));
});

const kill = (inference: InferenceProcess) => process.kill(inference.status().pid!, 'SIGKILL');
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a child that is killed', () => {
  test('is replaced, and images that were in it together are answered all the same', async () => {
    const inference = start({ concurrency: 2 });
    await inference.ready();
    const pid = inference.status().pid;
    const analyses = [1, 2, 3].map(() => inference.analyse(page, {}));
    expect(inference.status()).toMatchObject({ inFlight: 2, waiting: 1 });
    kill(inference);
    expect((await Promise.all(analyses)).map((analysis) => analysis.width)).toEqual([1240, 1240, 1240]);
    expect(inference.status()).toMatchObject({ state: 'ready', restarts: 1 });
    expect(inference.status().pid).not.toBe(pid);
  });

  test('fails the image that was alone in it, and no other', async () => {
    const inference = start({ concurrency: 1 });
    await inference.ready();
    const [alone, next] = [inference.analyse(page, {}), inference.analyse(card, {})];
    kill(inference);
    await expect(alone).rejects.toMatchObject({ code: 'inference-crashed', permanent: false });
    expect((await next).results).toHaveLength(2);
  });

  test('while idle costs nothing but a restart', async () => {
    const events: InferenceEvent[] = [];
    const inference = start({ onEvent: (event) => events.push(event) });
    await inference.ready();
    kill(inference);
    await vi.waitFor(() => expect(inference.status()).toMatchObject({ state: 'ready', restarts: 1 }), 60_000);
    expect((await inference.analyse(card, {})).results).toHaveLength(2);
    expect(events.map((event) => event.kind)).toEqual(['ready', 'died', 'ready']);
  });
});

describe('an image that takes too long', () => {
  test('is given up, and the images behind it are answered', async () => {
    const inference = start({ concurrency: 2 });
    await inference.ready();
    const slow = inference.analyse(page, {}, { timeoutMs: 1 });
    const next = inference.analyse(card, {});
    await expect(slow).rejects.toMatchObject({ code: 'inference-timeout', permanent: false });
    expect((await next).results).toHaveLength(2);
    expect(inference.status().restarts).toBe(1);
  });
});

describe('images side by side', () => {
  test('share runs of the model, and say what they say one by one', async () => {
    const photographs = ['astronaut.jpg', 'photographer.jpg', 'astronaut.jpg', 'cat.jpg'].map(sample);
    const alone = start({ service: 'faceextract' });
    const together = start({ service: 'faceextract', analyses: 4, batching: { maxSize: 4, delayMs: 20 } });
    await together.ready();
    const expected = await Promise.all(photographs.map((bytes) => alone.analyse(bytes, {})));
    const actual = await Promise.all(photographs.map((bytes) => together.analyse(bytes, {})));
    for (const [n, { results }] of actual.entries()) expect(resultsAgree(expected[n]!.results, results)).toBe(true);
    const total = (of: typeof actual, what: 'runs' | 'samples') =>
      of.reduce((sum, { batches }) => sum + batches[what], 0);
    expect(total(expected, 'runs')).toBe(total(expected, 'samples'));
    expect(total(actual, 'samples')).toBe(total(expected, 'samples'));
    expect(total(actual, 'runs')).toBeLessThan(total(actual, 'samples') / 2);
  });

  test('are not blamed for the one among them that hangs', async () => {
    const fixture = new URL('./harmful-image.fixture.ts', import.meta.url).href;
    const inference = start({ analyses: 2, nodeFlags: ['--import', fixture] });
    await inference.ready();
    // The first in the child is the one that is timed. It takes a fifth of a second where nothing else runs.
    const neighbour = inference.analyse(page, {}, { timeoutMs: 6_000 });
    const hanging = inference.analyse(Buffer.concat([card, Buffer.from('never ends')]), {}, { timeoutMs: 500 });
    const after = inference.analyse(card, {});
    await expect(hanging).rejects.toMatchObject({ code: 'inference-timeout' });
    expect((await neighbour).width).toBe(1240);
    expect((await after).results).toHaveLength(2);
    expect(inference.status().restarts).toBe(2);
  });
});

describe('hostile images', () => {
  test('are refused one by one, and the child goes on', async () => {
    const inference = start({ limits: { maxPixels: 700_000 } });
    await inference.ready();
    const pid = inference.status().pid;
    const refusals = [
      [card.subarray(0, 20_000), 'image-undecodable'],
      [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image-undecodable'],
      [page, 'image-too-large'],
    ] as const;
    for (const [bytes, code] of refusals) {
      await expect(inference.analyse(bytes, {})).rejects.toMatchObject({ code, permanent: true });
    }
    expect((await inference.analyse(card, {})).results).toHaveLength(2);
    expect(inference.status()).toMatchObject({ pid, restarts: 0 });
  });
});

test('refuses more images than may wait', async () => {
  const inference = start({ concurrency: 1, maxWaiting: 1 });
  await inference.ready();
  const taken = [inference.analyse(card, {}), inference.analyse(card, {})];
  await expect(inference.analyse(card, {})).rejects.toMatchObject({ code: 'inference-overloaded' });
  await Promise.all(taken);
});

test('an image that is called off is not analysed if it still waits', async () => {
  const inference = start({ concurrency: 1 });
  await inference.ready();
  const controller = new AbortController();
  const first = inference.analyse(card, {});
  const calledOff = inference.analyse(card, {}, { signal: controller.signal });
  controller.abort(new Error('not needed any more'));
  expect(inference.status().waiting).toBe(0);
  await expect(calledOff).rejects.toThrow('not needed any more');
  await first;
});

test('a service that cannot open says so to everyone who waits', async () => {
  const inference = start({ service: 'palmistry' });
  const waiting = inference.analyse(card, {});
  await expect(inference.ready()).rejects.toMatchObject({ code: 'model-unavailable' });
  await expect(waiting).rejects.toMatchObject({ code: 'model-unavailable' });
  await expect(inference.analyse(card, {})).rejects.toMatchObject({ code: 'model-unavailable' });
  expect(inference.status().state).toBe('failed');
});

test('a child that never comes up is reported, not waited for without end', async () => {
  const inference = start({ startTimeoutMs: 1 });
  await expect(inference.analyse(card, {})).rejects.toMatchObject({ code: 'inference-unavailable' });
  await expect(inference.ready()).rejects.toMatchObject({ code: 'inference-unavailable' });
});

test('close ends the child and rejects what was not answered', async () => {
  const inference = start();
  await inference.ready();
  const pid = inference.status().pid!;
  const unanswered = expect(inference.analyse(page, {})).rejects.toMatchObject({ code: 'inference-closed' });
  await inference.close();
  await unanswered;
  expect(isAlive(pid)).toBe(false);
  await expect(inference.analyse(card, {})).rejects.toMatchObject({ code: 'inference-closed' });
});

test('the child ends when its parent is killed', async () => {
  const parent = fork(new URL('./orphan.fixture.ts', import.meta.url), [], { execArgv: [] });
  const [pid] = (await once(parent, 'message')) as [number];
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 60_000);
});
