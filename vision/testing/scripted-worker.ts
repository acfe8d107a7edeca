/** For tests of the worker loop: a bench for each test, and a worker on it with a scripted engine in the place of inference. */
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach } from 'vitest';
import type { Grants } from '../../protocol/claims/grant.ts';
import type { Event } from '../../protocol/envelope.ts';
import { Barcode } from '../../protocol/generated/barcode/v1m0/barcode_pb.js';
import { ImageAccepted } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { INGEST_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { Attempts } from '../worker/attempts.ts';
import type { Engine, ImageAnalysis } from '../worker/engine.ts';
import { workerMetrics } from '../worker/metrics.ts';
import { startWorker, type WorkerOptions } from '../worker/worker.ts';
import { type Bench, drained, eventsOf, mint, openBench, submit } from './bench.ts';

const SERVICE = { name: 'barcode', version: '1.0' };
export const WORKER_GROUP = 'vision-barcode-1.0';
const OPTIONS: WorkerOptions = {
  maxImagesInFlight: 4,
  maxBytesInFlight: 1 << 20,
  maxBatchBytes: 1 << 20,
  imageTimeoutMs: 60_000,
  attempts: 3,
  retryDelayMs: 1,
  maxDeaths: 2,
};

/** What the engine gives, or throws, for an image whose bytes are this text. */
type Script = (text: string, imageId: string, config: object) => ImageAnalysis | Promise<ImageAnalysis>;

export interface ScriptedWorker {
  /** That of the test that runs now. */
  readonly bench: Bench;
  /** Starts the worker, again after `stop()`; it ends with the test. */
  start(script: Script, options?: Partial<WorkerOptions>): Promise<void>;
  stop(): Promise<void>;
  /** Submits an image for alice, whose bytes are this text. @returns the image's id */
  post(text: string, transaction?: string, grants?: Grants): Promise<string>;
  /** Waits until the worker has finished every image. */
  drained(): Promise<void>;
  /** What the worker sent to the clients, without what the gateway did. */
  sent(): Promise<Event[]>;
}

/** Call once in a file, outside of its tests. */
export function workerForEachTest(): ScriptedWorker {
  let bench: Bench;
  let stop = async () => {};
  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(async () => {
    await stop();
    await bench.close();
  });
  return {
    get bench() {
      return bench;
    },
    async start(script, options = {}) {
      const engine: Engine = {
        ready: async () => {},
        analyse: async ({ bytes, imageId }, config) => script(Buffer.from(bytes).toString(), imageId, config),
        state: () => ({ ready: true, detail: '' }),
        close: async () => {},
      };
      const attempts = new Attempts(join(bench.folder, 'vision'), Date.now());
      const subscription = await startWorker(
        {
          ...bench,
          service: SERVICE,
          engine,
          attempts,
          metrics: workerMetrics(new Registry(), SERVICE),
          now: Date.now,
        },
        { ...OPTIONS, ...options },
      );
      stop = async () => {
        stop = async () => {};
        await subscription.close();
        attempts.close();
      };
    },
    stop: () => stop(),
    async post(text, transaction = 't', grants = { 'barcode-*': {} }) {
      const token = await mint(bench, 'alice', grants);
      return submit(bench, { client: 'alice', transaction, token, bytes: Buffer.from(text) });
    },
    drained: () => drained(bench.log, WORKER_GROUP, INGEST_TOPIC),
    async sent() {
      return (await eventsOf(bench.log, RESULTS_TOPIC)).filter(({ type }) => type !== ImageAccepted.typeName);
    },
  };
}

/** The analysis of an image on which these codes were seen. */
export function saw(...texts: string[]): ImageAnalysis {
  return {
    results: texts.map((text, index) => ({ type: Barcode, message: Barcode.create({ text, index }) })),
    models: [{ name: 'm', version: '1', sha256: '', provider: 'cpu' }],
    durationMs: 12.5,
  };
}
