/**
 * Vision: images through the log, the worker and the inference process, beside a loop that only decodes and infers with the
 * same service and threads; how long an image takes at half of that load; and what memory 10,000 images leave behind.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import sharp from 'sharp';
import Value from 'typebox/value';
import { FolderBlobStore } from '../protocol/blob/folder-blob-store.ts';
import { openTokenKeys } from '../protocol/claims/keys.ts';
import { mintToken } from '../protocol/claims/token.ts';
import { TokenVerifier } from '../protocol/claims/verifier.ts';
import { packEvent, payloadOf, unpackEvent } from '../protocol/envelope.ts';
import { ServiceCompleted, ServiceFailed } from '../protocol/generated/completion/v1m0/completion_pb.js';
import { IngestedImage } from '../protocol/generated/ingest/v1m0/ingest_pb.js';
import { openEmbeddedLog } from '../protocol/log/embedded/open.ts';
import type { Batch, ProduceRecord } from '../protocol/log/log.ts';
import { INGEST_TOPIC, RESULTS_TOPIC, topicDefinitions } from '../protocol/log/topics.ts';
import { newMessageId } from '../protocol/message-id.ts';
import { VisionConfig } from '../vision/config.ts';
import { startVision } from '../vision/main.ts';
import { quantile } from './statistics.ts';
import type { BenchCase, BenchContext, OpenVariant, Suite } from './suite.ts';
import type { RawAnswer, RawRequest } from './vision-raw.ts';

const THREADS = availableParallelism();
const SAMPLES = ['astronaut.jpg', 'card.jpg', 'cat.jpg', 'coffee.jpg', 'page.png', 'photographer.jpg', 'rocket.jpg'];
const HOUR = 3_600_000;
const RAW = fileURLToPath(new URL('./vision-raw.ts', import.meta.url));

const samples = () => SAMPLES.map((file) => readFileSync(new URL(`../vision/samples/${file}`, import.meta.url)));

/** A log with one vision service on it, as `sluice up` has it, and a reader of what the service says. */
class Pipeline {
  readonly #produce: (records: readonly ProduceRecord[]) => Promise<unknown>;
  readonly #token: string;
  readonly #answered = new Map<string, (now: number) => void>();
  readonly close: () => Promise<void>;

  private constructor(
    produce: (records: readonly ProduceRecord[]) => Promise<unknown>,
    token: string,
    close: () => Promise<void>,
  ) {
    this.#produce = produce;
    this.#token = token;
    this.close = close;
  }

  static async open(folder: string, service: string): Promise<Pipeline> {
    const log = await openEmbeddedLog({ folder: join(folder, 'log') });
    const sizing = { partitions: 4, replication: 1, resultsRetentionMs: HOUR, ingestRetentionMs: HOUR };
    await log.createTopics(topicDefinitions({ ...sizing, maxImageMessageBytes: 17 << 20 }));
    const keysFolder = join(folder, 'keys');
    const keys = await openTokenKeys(keysFolder);
    const issuedAt = Date.now();
    const claims = { client: 'bench', grants: { [`${service}-*`]: {} }, issuedAt, expiresAt: issuedAt + HOUR };
    const role = await startVision(
      {
        log,
        logSettings: { kind: 'embedded', folder: join(folder, 'log') },
        verifier: new TokenVerifier(() => keys),
        blobs: new FolderBlobStore(join(folder, 'blobs')),
        logger: pino({ level: 'warn' }, process.stderr),
        metrics: new Registry(),
        dataFolder: join(folder, 'vision'),
        keysFolder,
      },
      Value.Default(VisionConfig, {
        services: [service],
        processes: 1,
        threads: THREADS,
        provider: 'cpu',
      }) as VisionConfig,
      service,
    );
    while (!role.readiness().ready) await sleep(20);
    const watermarks = await log.watermarks(RESULTS_TOPIC);
    const pipeline: Pipeline = new Pipeline(
      (records) => log.produce(INGEST_TOPIC, records),
      await mintToken(keys, claims),
      async () => {
        await following.close();
        await role.stop();
        await log.close();
      },
    );
    const following = await log.follow({
      topic: RESULTS_TOPIC,
      from: new Map(watermarks.map(({ partition, end }) => [partition, end])),
      onBatch: async (batch) => pipeline.#hear(batch),
    });
    return pipeline;
  }

  /** Submits an image. @returns when its marker is on the log: performance.now() */
  async submit(bytes: Uint8Array, transaction: string): Promise<number> {
    const imageId = newMessageId(Date.now());
    const answered = new Promise<number>((resolve) => this.#answered.set(imageId, resolve));
    const image: IngestedImage = {
      imageId,
      mediaType: 'image/jpeg',
      width: 1,
      height: 1,
      sha256: createHash('sha256').update(bytes).digest(),
      content: { oneofKind: 'inline', inline: bytes },
    };
    const context = { client: 'bench', correlationId: transaction, token: this.#token, traceparent: '' };
    const event = { messageId: imageId, eventTime: Date.now(), type: IngestedImage, message: image };
    await this.#produce([{ key: transaction, value: packEvent(context, event) }]);
    return answered;
  }

  #hear(batch: Batch): void {
    const now = performance.now();
    for (const record of batch.records) {
      const event = unpackEvent(record.value);
      if (event.type === ServiceFailed.typeName) throw new Error(payloadOf(event, ServiceFailed).detail);
      if (event.type !== ServiceCompleted.typeName) continue;
      const { imageId } = payloadOf(event, ServiceCompleted);
      this.#answered.get(imageId)?.(now);
      this.#answered.delete(imageId);
    }
  }
}

/** How many times to go through the samples for one measurement. */
const PASSES: Readonly<Record<string, number>> = { faceextract: 20, barcode: 3, ocr: 1 };

const passesOf = (service: string, scale: number) => Math.max(1, Math.round(PASSES[service]! * scale));

async function openThroughput(service: string, { folder, scale }: BenchContext): Promise<OpenVariant> {
  const pipeline = await Pipeline.open(folder, service);
  const images = Array.from({ length: passesOf(service, scale) }, samples).flat();
  return {
    async measure() {
      const started = performance.now();
      const cpuBefore = cpuSeconds(process.pid, ...childrenOfThis());
      // Several transactions, as several clients would have them.
      await Promise.all(images.map((bytes, n) => pipeline.submit(bytes, `t${n % 8}`)));
      const cpu = cpuSeconds(process.pid, ...childrenOfThis()) - cpuBefore;
      const seconds = (performance.now() - started) / 1000;
      return { value: images.length / seconds, also: { cpu_ms_per_image: (cpu * 1000) / images.length } };
    },
    close: pipeline.close,
  };
}

async function openRaw(service: string, { scale }: BenchContext): Promise<OpenVariant> {
  const child = await forkRaw(service);
  const request: RawRequest = { images: samples(), times: passesOf(service, scale) };
  return {
    async measure() {
      const cpuBefore = cpuSeconds(child.pid!);
      const { seconds } = await askRaw(child, request);
      const images = request.images.length * request.times;
      const cpu = cpuSeconds(child.pid!) - cpuBefore;
      return { value: images / seconds, also: { cpu_ms_per_image: (cpu * 1000) / images } };
    },
    async close() {
      await endRaw(child);
    },
  };
}

async function openLatency(service: string, { folder, scale }: BenchContext): Promise<OpenVariant> {
  const pipeline = await Pipeline.open(folder, service);
  const images = Array.from({ length: passesOf(service, scale) }, samples).flat();
  const started = performance.now();
  await Promise.all(images.map((bytes, n) => pipeline.submit(bytes, `t${n % 8}`)));
  /** Half of what it can do. */
  const intervalMs = ((performance.now() - started) / images.length) * 2;
  return {
    async measure() {
      const latencies: Promise<number>[] = [];
      const begun = performance.now();
      for (const [n, bytes] of images.entries()) {
        await sleep(Math.max(0, begun + n * intervalMs - performance.now()));
        const submitted = performance.now();
        latencies.push(pipeline.submit(bytes, `t${n % 8}`).then((answered) => answered - submitted));
      }
      const all = await Promise.all(latencies);
      return { value: quantile(all, 0.5), also: { p99_ms: quantile(all, 0.99), images_per_s: 1000 / intervalMs } };
    },
    close: pipeline.close,
  };
}

/** The time that an image takes where nothing else is going on. */
async function openRawLatency(service: string, { scale }: BenchContext): Promise<OpenVariant> {
  const child = await forkRaw(service);
  const images = Array.from({ length: passesOf(service, scale) }, samples).flat();
  return {
    async measure() {
      const latencies: number[] = [];
      for (const bytes of images) latencies.push((await askRaw(child, { images: [bytes], times: 1 })).seconds * 1000);
      return { value: quantile(latencies, 0.5), also: { p99_ms: quantile(latencies, 0.99) } };
    },
    async close() {
      await endRaw(child);
    },
  };
}

/** Ten thousand small images, and how much more memory is held after them than after the first tenth. */
async function openMemory({ folder, scale }: BenchContext): Promise<OpenVariant> {
  const pipeline = await Pipeline.open(folder, 'barcode');
  const image = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#fff' } })
    .png()
    .toBuffer();
  const total = Math.max(100, Math.round(10_000 * scale));
  const run = async (count: number) => {
    for (let left = count; left > 0; left -= 100)
      await Promise.all(Array.from({ length: Math.min(left, 100) }, (_, n) => pipeline.submit(image, `t${n % 8}`)));
  };
  return {
    async measure() {
      await run(total / 10);
      const before = residentMebibytes();
      await run(total - total / 10);
      const after = residentMebibytes();
      return {
        value: after.worker + after.inference - before.worker - before.inference,
        also: {
          worker_before_mib: before.worker,
          worker_after_mib: after.worker,
          inference_before_mib: before.inference,
          inference_after_mib: after.inference,
        },
      };
    },
    close: pipeline.close,
  };
}

/** What this process holds once garbage is collected, and its children together (Linux). */
function residentMebibytes(): { worker: number; inference: number } {
  collectGarbage();
  const inference = childrenOfThis().reduce((sum, pid) => sum + residentOf(pid), 0);
  return { worker: residentOf(process.pid), inference };
}

/** The inference processes, and the raw loop where it runs beside them, idle (Linux). */
function childrenOfThis(): number[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/**
 * User and system time of all threads of the processes. Unlike the time on the clock it says little about what else the
 * machine does, so it tells the cost of the way through the log even on a busy one (Linux).
 */
function cpuSeconds(...pids: readonly number[]): number {
  const ticksPerSecond = 100;
  return pids.reduce((sum, pid) => {
    // Behind the name, which stands in parentheses and may hold anything: fields 14 and 15 are the 12th and 13th.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }, 0);
}

function residentOf(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib ?? 0) / 1024;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

async function forkRaw(service: string): Promise<ChildProcess> {
  const child = fork(RAW, [service, String(THREADS)], {
    serialization: 'advanced',
    stdio: ['ignore', 2, 2, 'ipc'],
    execArgv: [],
  });
  await once(child, 'message');
  return child;
}

async function askRaw(child: ChildProcess, request: RawRequest): Promise<RawAnswer> {
  const answered = once(child, 'message');
  child.send(request);
  const [answer] = (await answered) as [RawAnswer];
  return answer;
}

async function endRaw(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.disconnect();
  await exited;
}

const throughput = (service: string): BenchCase => ({
  name: `${service}: images through the log`,
  unit: 'images/s',
  better: 'higher',
  rounds: 3,
  goals: [{ subject: 'through the log', against: 'raw loop', atLeast: 0.9 }],
  variants: [
    {
      name: 'through the log',
      kind: 'subject',
      durability: 'images and results fsynced in groups',
      open: (context) => openThroughput(service, context),
    },
    { name: 'raw loop', kind: 'limit', open: (context) => openRaw(service, context) },
  ],
});

const latency = (service: string): BenchCase => ({
  name: `${service}: latency at half load, p50`,
  unit: 'ms',
  better: 'lower',
  rounds: 3,
  variants: [
    { name: 'through the log', kind: 'subject', open: (context) => openLatency(service, context) },
    { name: 'raw loop, idle', kind: 'limit', open: (context) => openRawLatency(service, context) },
  ],
});

export const suite: Suite = {
  name: 'vision',
  about: `the sample images through one vision service with ${THREADS} threads, on the CPU`,
  cases: [
    ...['faceextract', 'barcode', 'ocr'].map(throughput),
    ...['faceextract', 'barcode'].map(latency),
    {
      name: 'memory after 10,000 images',
      unit: 'MiB more than after 1,000',
      better: 'lower',
      rounds: 1,
      variants: [{ name: 'worker and inference process', kind: 'subject', open: openMemory }],
    },
  ],
};
