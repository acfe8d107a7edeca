/**
 * A worker with a real inference process that is made to fail in every way, image by image: the record is tried again, then
 * set aside with a failed result, and the others go on.
 *
 * What an image does to the process is done to it from outside at the moment when the image is in it, by the signal with which
 * the kernel would end it: SIGSEGV for a native crash, SIGKILL for being chosen when the machine runs out of memory, SIGSTOP for
 * hanging. One image really uses up the memory of its process.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { payloadOf } from '../../protocol/envelope.ts';
import { Barcode } from '../../protocol/generated/barcode/v1m0/barcode_pb.js';
import { ServiceCompleted, ServiceFailed } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { DeadLetter } from '../../protocol/generated/deadletter/v1m0/deadletter_pb.js';
import { DEAD_LETTER_TOPIC, INGEST_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { type InferenceProcess, startInferenceProcess } from '../inference/inference-process.ts';
import { type Bench, drained, eventsOf, mint, openBench, recordsOf, submit, until } from '../testing.ts';
import { Attempts } from './attempts.ts';
import { type Engine, inferenceEngine } from './engine.ts';
import { workerMetrics } from './metrics.ts';
import { startWorker } from './worker.ts';

const card = readFileSync(new URL('../samples/card.jpg', import.meta.url));
/** What each kind of image does to the process, and how often it does so before it is harmless. */
const INJECTED: Readonly<Record<string, { signal: NodeJS.Signals; times: number }>> = {
  'always crashes': { signal: 'SIGSEGV', times: Number.POSITIVE_INFINITY },
  'crashes once': { signal: 'SIGSEGV', times: 1 },
  'runs out of memory': { signal: 'SIGKILL', times: Number.POSITIVE_INFINITY },
  'always hangs': { signal: 'SIGSTOP', times: Number.POSITIVE_INFINITY },
};

let bench: Bench;
let stop: (() => Promise<void>) | undefined;

beforeEach(async () => {
  bench = await openBench(1);
});
afterEach(async () => {
  await stop?.();
  await bench.close();
});

/** Does to the inference process what the image says. A JPEG may have anything behind its end. */
function injecting(inference: InferenceProcess, engine: Engine): Engine {
  const done = new Map<string, number>();
  let harmed = 0;
  return {
    ...engine,
    async analyse(image, config, options) {
      const analysis = engine.analyse(image, config, options);
      analysis.catch(() => {});
      const mark = Buffer.from(image.bytes.subarray(card.length)).toString();
      const injected = INJECTED[mark];
      const times = done.get(mark) ?? 0;
      if (injected !== undefined && times < injected.times) {
        done.set(mark, times + 1);
        // A process that is about to end may still look ready: each is harmed once.
        await until(() => {
          const { state, inFlight, pid } = inference.status();
          return state === 'ready' && inFlight === 1 && pid !== harmed;
        });
        harmed = inference.status().pid!;
        process.kill(harmed, injected.signal);
      }
      return analysis;
    },
  };
}

async function start(nodeFlags: readonly string[] = [], imageTimeoutMs = 3000): Promise<InferenceProcess> {
  const restart = { firstDelayMs: 1, maxDelayMs: 10 };
  const inference = startInferenceProcess({ service: 'barcode', threads: 1, concurrency: 1, restart, nodeFlags });
  const attempts = new Attempts(join(bench.folder, 'vision'), Date.now());
  const worker = await startWorker(
    {
      ...bench,
      service: { name: 'barcode', version: '1.0' },
      engine: injecting(inference, inferenceEngine(inference, Barcode)),
      attempts,
      metrics: workerMetrics(new Registry(), { name: 'barcode', version: '1.0' }),
      now: Date.now,
    },
    {
      // One at a time, so that what is done to the process is done to the image that it has.
      maxImagesInFlight: 1,
      maxBytesInFlight: 1 << 24,
      maxBatchBytes: 1 << 24,
      imageTimeoutMs,
      attempts: 2,
      retryDelayMs: 1,
      maxDeaths: 10,
    },
  );
  stop = async () => {
    await worker.close();
    await inference.close();
    attempts.close();
  };
  return inference;
}

/** What was said of each image: how many results, or the problem and the attempts. */
async function outcomes(names: ReadonlyMap<string, string>): Promise<unknown[]> {
  const events = await eventsOf(bench.log, RESULTS_TOPIC);
  return events.flatMap((event) => {
    if (event.type === ServiceCompleted.typeName) {
      const { imageId, results } = payloadOf(event, ServiceCompleted);
      return [[names.get(imageId), results]];
    }
    if (event.type !== ServiceFailed.typeName) return [];
    const { imageId, type, attempts } = payloadOf(event, ServiceFailed);
    return [[names.get(imageId), type, attempts]];
  });
}

test('crashing, exhausting memory and hanging fail their own images and no other', { timeout: 120_000 }, async () => {
  const token = await mint(bench, 'alice', { 'barcode-*': {} });
  const names = new Map<string, string>();
  for (const mark of [
    '',
    'always crashes',
    'crashes once',
    'runs out of memory',
    'always hangs',
    'sound after all that',
  ]) {
    const bytes = Buffer.concat([card, Buffer.from(mark)]);
    names.set(await submit(bench, { client: 'alice', transaction: 't', token, bytes }), mark);
  }
  const inference = await start();
  await drained(bench.log, 'vision-barcode-1.0', INGEST_TOPIC);

  const said = await outcomes(names);
  expect(said).toEqual([
    ['', 2],
    ['always crashes', '/problems/analysis-crashed', 2],
    ['crashes once', 2],
    ['runs out of memory', '/problems/analysis-crashed', 2],
    ['always hangs', '/problems/analysis-timeout', 2],
    ['sound after all that', 2],
  ]);
  const letters = (await recordsOf(bench.log, DEAD_LETTER_TOPIC)).map(({ value }) => DeadLetter.fromBinary(value!));
  expect(letters.map(({ type }) => type)).toEqual([
    '/problems/analysis-crashed',
    '/problems/analysis-crashed',
    '/problems/analysis-timeout',
  ]);
  // Twice for each that never passes, once for the one that did.
  expect(inference.status().restarts).toBe(7);
});

test('an image that uses up the memory of its process ends that process alone', { timeout: 120_000 }, async () => {
  const token = await mint(bench, 'alice', { 'barcode-*': {} });
  const names = new Map<string, string>();
  for (const mark of ['before', 'eats all memory', 'after']) {
    const bytes = Buffer.concat([card, Buffer.from(mark)]);
    names.set(await submit(bench, { client: 'alice', transaction: 't', token, bytes }), mark);
  }
  const fixture = new URL('../inference/harmful-image.fixture.ts', import.meta.url).href;
  const inference = await start(['--max-old-space-size=48', '--import', fixture], 60_000);
  await drained(bench.log, 'vision-barcode-1.0', INGEST_TOPIC);
  expect(await outcomes(names)).toEqual([
    ['before', 2],
    ['eats all memory', '/problems/analysis-crashed', 2],
    ['after', 2],
  ]);
  const letters = (await recordsOf(bench.log, DEAD_LETTER_TOPIC)).map(({ value }) => DeadLetter.fromBinary(value!));
  // V8 aborts when its heap is used up: the child dies of its own memory, not of a time limit or of us.
  expect(letters.map(({ detail }) => detail)).toEqual(['the inference process died: SIGABRT']);
  expect(inference.status().restarts).toBe(2);
  // Where the machine itself runs out, the kernel takes this process first (Linux).
  if (process.platform === 'linux')
    expect(readFileSync(`/proc/${inference.status().pid}/oom_score_adj`, 'utf8').trim()).toBe('500');
});
