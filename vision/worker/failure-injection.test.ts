/**
 * A worker with a real inference process that is made to fail in every way, image by image: the record is tried again, then
 * set aside with a failed result, and the others go on.
 *
 * An image says by what stands behind its end what shall happen to the process that gets it (harmful-image.fixture.ts); one really
 * uses up the memory of its process.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { payloadOf } from '../../protocol/envelope.ts';
import { Barcode } from '../../protocol/generated/barcode/v1m0/barcode_pb.js';
import { ServiceCompleted, ServiceFailed } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { INGEST_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { type InferenceProcess, startInferenceProcess } from '../inference/inference-process.ts';
import { type Bench, deadLettersOf, drained, eventsOf, mint, openBench, submit } from '../testing/bench.ts';
import { Attempts } from './attempts.ts';
import { type Engine, inferenceEngine } from './engine.ts';
import { workerMetrics } from './metrics.ts';
import { startWorker } from './worker.ts';

const card = readFileSync(new URL('../samples/card.jpg', import.meta.url));
/** A time limit that only an image may have which would never be answered. */
const SHORT_MS = 500;

let bench: Bench;
let stop: (() => Promise<void>) | undefined;

beforeEach(async () => {
  bench = await openBench(1);
});
afterEach(async () => {
  await stop?.();
  await bench.close();
});

/** Gives an image that does harm once its mark only once, and little time to one of which nothing is heard any more. */
function sparing(engine: Engine): Engine {
  let crashedOnce = false;
  return {
    ...engine,
    analyse(image, config, options) {
      const mark = Buffer.from(image.bytes.subarray(card.length)).toString(); // a JPEG may have anything behind its end
      const harmless = mark === 'crashes once' && crashedOnce;
      crashedOnce ||= mark === 'crashes once';
      const timeoutMs = mark === 'is stopped' ? SHORT_MS : options.timeoutMs;
      return engine.analyse(harmless ? { ...image, bytes: card } : image, config, { ...options, timeoutMs });
    },
  };
}

async function start(...nodeFlags: string[]): Promise<InferenceProcess> {
  const inference = startInferenceProcess({
    service: 'barcode',
    threads: 1,
    concurrency: 1,
    restart: { firstDelayMs: 1, maxDelayMs: 10 },
    nodeFlags: ['--import', new URL('../inference/harmful-image.fixture.ts', import.meta.url).href, ...nodeFlags],
  });
  const attempts = new Attempts(join(bench.folder, 'vision'), Date.now());
  const worker = await startWorker(
    {
      ...bench,
      service: { name: 'barcode', version: '1.0' },
      engine: sparing(inferenceEngine(inference, Barcode)),
      attempts,
      metrics: workerMetrics(new Registry(), { name: 'barcode', version: '1.0' }),
      now: Date.now,
    },
    {
      maxImagesInFlight: 1,
      maxBytesInFlight: 1 << 24,
      maxBatchBytes: 1 << 24,
      imageTimeoutMs: 60_000,
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

test('crashing, exhausting memory and hanging fail their own images and no other', async () => {
  const token = await mint(bench, 'alice', { 'barcode-*': {} });
  const names = new Map<string, string>();
  for (const mark of [
    '',
    'always crashes',
    'crashes once',
    'is chosen by the kernel',
    'is stopped',
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
    ['is chosen by the kernel', '/problems/analysis-crashed', 2],
    ['is stopped', '/problems/analysis-timeout', 2],
    ['sound after all that', 2],
  ]);
  const letters = await deadLettersOf(bench.log);
  expect(letters.map(({ type }) => type)).toEqual([
    '/problems/analysis-crashed',
    '/problems/analysis-crashed',
    '/problems/analysis-timeout',
  ]);
  // Twice for each that never passes, once for the one that did.
  expect(inference.status().restarts).toBe(7);
});

test('an image that uses up the memory of its process ends that process alone', async () => {
  const token = await mint(bench, 'alice', { 'barcode-*': {} });
  const names = new Map<string, string>();
  for (const mark of ['before', 'eats all memory', 'after']) {
    const bytes = Buffer.concat([card, Buffer.from(mark)]);
    names.set(await submit(bench, { client: 'alice', transaction: 't', token, bytes }), mark);
  }
  const inference = await start('--max-old-space-size=48');
  await drained(bench.log, 'vision-barcode-1.0', INGEST_TOPIC);
  expect(await outcomes(names)).toEqual([
    ['before', 2],
    ['eats all memory', '/problems/analysis-crashed', 2],
    ['after', 2],
  ]);
  const letters = await deadLettersOf(bench.log);
  // V8 aborts when its heap is used up: the child dies of its own memory, not of a time limit or of us.
  expect(letters.map(({ detail }) => detail)).toEqual(['the inference process died: SIGABRT']);
  expect(inference.status().restarts).toBe(2);
  // Where the machine itself runs out, the kernel takes this process first (Linux).
  if (process.platform === 'linux')
    expect(readFileSync(`/proc/${inference.status().pid}/oom_score_adj`, 'utf8').trim()).toBe('500');
});
