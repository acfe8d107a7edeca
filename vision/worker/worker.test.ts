/** The worker loop on a real log, with a scripted engine in the place of inference. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { payloadOf } from '../../protocol/envelope.ts';
import { Barcode } from '../../protocol/generated/barcode/v1m0/barcode_pb.js';
import { ServiceCompleted, ServiceFailed } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { DeadLetter } from '../../protocol/generated/deadletter/v1m0/deadletter_pb.js';
import type { Subscription } from '../../protocol/log/log.ts';
import { DEAD_LETTER_TOPIC, INGEST_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { AnalysisFailed, ConfigInvalid, ImageUndecodable, InferenceUnavailable } from '../inference/errors.ts';
import { type Bench, drained, eventsOf, mint, openBench, recordsOf, submit, until } from '../testing.ts';
import { Attempts } from './attempts.ts';
import type { Engine, ImageAnalysis } from './engine.ts';
import { workerMetrics } from './metrics.ts';
import { startWorker, type WorkerOptions } from './worker.ts';

const SERVICE = { name: 'barcode', version: '1.0' };
const GROUP = 'vision-barcode-1.0';
const OPTIONS: WorkerOptions = {
  maxImagesInFlight: 4,
  maxBytesInFlight: 1 << 20,
  maxBatchBytes: 1 << 20,
  imageTimeoutMs: 60_000,
  attempts: 3,
  retryDelayMs: 1,
  maxDeaths: 2,
};

let bench: Bench;
let worker: Subscription | undefined;
let attempts: Attempts | undefined;

beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await worker?.close();
  attempts?.close();
  worker = undefined;
  attempts = undefined;
  await bench.close();
});

type Script = (text: string, imageId: string, config: object) => ImageAnalysis | Promise<ImageAnalysis>;

async function work(script: Script, options: Partial<WorkerOptions> = {}): Promise<void> {
  const engine: Engine = {
    ready: async () => {},
    analyse: async ({ bytes, imageId }, config) => script(Buffer.from(bytes).toString(), imageId, config),
    state: () => ({ ready: true, detail: '' }),
    close: async () => {},
  };
  attempts = new Attempts(join(bench.folder, 'vision'), Date.now());
  worker = await startWorker(
    {
      service: SERVICE,
      log: bench.log,
      verifier: bench.verifier,
      blobs: bench.blobs,
      engine,
      attempts,
      metrics: workerMetrics(new Registry(), SERVICE),
      logger: bench.logger,
      now: Date.now,
    },
    { ...OPTIONS, ...options },
  );
}

function saw(...texts: string[]): ImageAnalysis {
  return {
    results: texts.map((text, index) => ({ type: Barcode, message: Barcode.create({ text, index }) })),
    models: [{ name: 'm', version: '1', sha256: '', provider: 'cpu' }],
    durationMs: 12.5,
  };
}

async function post(text: string, transaction = 't', grants: Record<string, object> = { 'barcode-*': {} }) {
  const token = await mint(bench, 'alice', grants as never);
  return submit(bench, { client: 'alice', transaction, token, bytes: Buffer.from(text) });
}

/** What the worker sent, without what the gateway did. */
async function sent() {
  return (await eventsOf(bench.log, RESULTS_TOPIC)).filter(({ type }) => type !== 'ingest.v1m0.ImageAccepted');
}

async function deadLetters() {
  return (await recordsOf(bench.log, DEAD_LETTER_TOPIC)).map(({ value }) => DeadLetter.fromBinary(value!));
}

test('an image gives its results and then the marker, and its position is committed', async () => {
  const imageId = await post('two codes');
  await work(() => saw('a', 'b'));
  await drained(bench.log, GROUP, INGEST_TOPIC);
  const events = await sent();
  expect(events.map(({ type }) => type)).toEqual([Barcode, Barcode, ServiceCompleted].map(({ typeName }) => typeName));
  expect(events.slice(0, 2).map((event) => payloadOf(event, Barcode))).toMatchObject([
    { text: 'a', imageId, index: 0 },
    { text: 'b', imageId, index: 1 },
  ]);
  expect(payloadOf(events[2]!, ServiceCompleted)).toMatchObject({
    imageId,
    service: 'barcode',
    version: '1.0',
    results: 2,
    duration: { seconds: 0, nanos: 12_500_000 },
  });
  for (const event of events) expect(event).toMatchObject({ client: 'alice', correlationId: 't' });
});

test('the grant decides whether the image is looked at, and carries the configuration', async () => {
  await post('not for me', 't', { 'ocr-1': {} });
  await post('older version', 't', { 'barcode-2.*': {} });
  await post('for me', 't', { 'barcode-1': { formats: ['QRCode'] } });
  const seen: unknown[] = [];
  await work((text, _id, config) => {
    seen.push([text, config]);
    return saw();
  });
  await drained(bench.log, GROUP, INGEST_TOPIC);
  expect(seen).toEqual([['for me', { formats: ['QRCode'] }]]);
  expect(await sent()).toHaveLength(1);
});

test('the results of a transaction leave in the order of its images, whichever is done first', async () => {
  for (const text of ['slow', 'quick', 'quicker']) await post(text);
  const slow = Promise.withResolvers<void>();
  const done: string[] = [];
  await work(async (text) => {
    if (text === 'slow') await slow.promise;
    done.push(text);
    if (done.length === 2) slow.resolve();
    return saw(text);
  });
  await drained(bench.log, GROUP, INGEST_TOPIC);
  expect(done.at(-1)).toBe('slow');
  const texts = (await sent()).filter(({ type }) => type === Barcode.typeName).map((e) => payloadOf(e, Barcode).text);
  expect(texts).toEqual(['slow', 'quick', 'quicker']);
});

test('a forged, a foreign and an unreadable record are set aside with their cause, and the work goes on', async () => {
  await bench.log.produce(INGEST_TOPIC, [{ key: 't', value: Buffer.from('no envelope') }]);
  await submit(bench, { client: 'alice', transaction: 't', token: 'forged' });
  const token = await mint(bench, 'mallory', { 'barcode-*': {} });
  await submit(bench, { client: 'alice', transaction: 't', token });
  await post('sound');
  await work((text) => saw(text));
  await drained(bench.log, GROUP, INGEST_TOPIC);
  const letters = await deadLetters();
  expect(letters.map(({ detail }) => detail)).toEqual([
    'the record is not an envelope',
    'this is not an authorisation token',
    'the token belongs to another client than the message',
  ]);
  expect(letters[0]).toMatchObject({
    service: GROUP,
    type: '/problems/poisoned-message',
    source: { topic: INGEST_TOPIC },
    key: 't',
  });
  expect(Buffer.from(letters[0]!.value).toString()).toBe('no envelope');
  expect((await sent()).map(({ type }) => type)).toEqual([Barcode.typeName, ServiceCompleted.typeName]);
});

test('an image accepted in time is analysed however long it waited', async () => {
  const yesterday = Date.now() - 24 * 3_600_000;
  const token = await mint(bench, 'alice', { 'barcode-*': {} }, yesterday);
  await submit(bench, { client: 'alice', transaction: 't', token, time: yesterday + 1000 });
  await work(() => saw());
  await drained(bench.log, GROUP, INGEST_TOPIC);
  expect((await sent()).map(({ type }) => type)).toEqual([ServiceCompleted.typeName]);
});

test.each([
  [new ImageUndecodable('damaged'), '/problems/invalid-image'],
  [new ConfigInvalid('/formats is unknown'), '/problems/invalid-grant-configuration'],
])('%s is told to the client at once and troubles no operator', async (error, type) => {
  const imageId = await post('bad');
  let tries = 0;
  await work(() => {
    tries += 1;
    throw error;
  });
  await drained(bench.log, GROUP, INGEST_TOPIC);
  expect(tries).toBe(1);
  expect((await sent()).map((event) => payloadOf(event, ServiceFailed))).toMatchObject([
    { imageId, service: 'barcode', version: '1.0', type, detail: error.message, attempts: 1 },
  ]);
  expect(await deadLetters()).toEqual([]);
});

test('an image that fails now and then is tried again; one that always fails is set aside; others go on', async () => {
  const hopeless = await post('hopeless');
  await post('wavering');
  await post('sound');
  const tries = new Map<string, number>();
  await work((text) => {
    tries.set(text, (tries.get(text) ?? 0) + 1);
    if (text === 'hopeless' || (text === 'wavering' && tries.get(text)! < 3)) throw new AnalysisFailed('oh no');
    return saw(text);
  });
  await drained(bench.log, GROUP, INGEST_TOPIC);
  expect(Object.fromEntries(tries)).toEqual({ hopeless: 3, wavering: 3, sound: 1 });
  const events = await sent();
  expect(events.map(({ type }) => type.split('.').at(-1))).toEqual([
    'ServiceFailed',
    'Barcode',
    'ServiceCompleted',
    'Barcode',
    'ServiceCompleted',
  ]);
  expect(payloadOf(events[0]!, ServiceFailed)).toMatchObject({
    imageId: hopeless,
    type: '/problems/analysis-failed',
    attempts: 3,
  });
  const [letter, ...others] = await deadLetters();
  expect(others).toEqual([]);
  expect(letter).toMatchObject({ type: '/problems/analysis-failed', detail: 'oh no', attempts: 3 });
});

test('while nothing can be analysed images wait, and none is blamed', async () => {
  for (const text of ['a', 'b', 'c']) await post(text);
  let outage = true;
  let refused = 0;
  await work((text) => {
    if (outage) {
      refused += 1;
      throw new InferenceUnavailable('no model');
    }
    return saw(text);
  });
  await until(() => refused > 0);
  outage = false;
  await drained(bench.log, GROUP, INGEST_TOPIC);
  expect((await sent()).filter(({ type }) => type === ServiceCompleted.typeName)).toHaveLength(3);
  expect(await deadLetters()).toEqual([]);
});

test('work that is done again sends the same message ids', async () => {
  await post('first');
  await post('second');
  await work((text) => saw(text));
  await drained(bench.log, GROUP, INGEST_TOPIC);
  await worker!.close();
  attempts!.close();
  const start = new Map(
    (await bench.log.watermarks(INGEST_TOPIC)).map(({ partition, earliest }) => [partition, earliest]),
  );
  await bench.log.commitOffsets(GROUP, INGEST_TOPIC, start);
  await work((text) => saw(text));
  await drained(bench.log, GROUP, INGEST_TOPIC);
  const ids = (await sent()).map(({ messageId }) => messageId);
  expect(ids).toHaveLength(8);
  expect(ids.slice(4)).toEqual(ids.slice(0, 4));
});

test('stopping finishes what is in work and hands back the rest', async () => {
  for (const text of ['first', 'second', 'third']) await post(text);
  const stuck = Promise.withResolvers<void>();
  const begun: string[] = [];
  await work(
    async (text) => {
      begun.push(text);
      if (text === 'second') await stuck.promise;
      return saw(text);
    },
    { maxImagesInFlight: 1 },
  );
  await until(() => begun.includes('second'));
  const closing = worker!.close();
  stuck.resolve();
  await closing;
  attempts!.close();
  expect(begun).toEqual(['first', 'second']);
  await work((text) => saw(text));
  await drained(bench.log, GROUP, INGEST_TOPIC);
  const texts = (await sent()).filter(({ type }) => type === Barcode.typeName).map((e) => payloadOf(e, Barcode).text);
  expect(texts).toEqual(['first', 'second', 'third']);
});

test('an image over which the process keeps dying is given up, and those that were there with it are not', async () => {
  const deadly = await post('deadly');
  const neighbour = await post('neighbour');
  for (const images of [[deadly, neighbour], [deadly]]) {
    const marks = new Attempts(join(bench.folder, 'vision'), Date.now());
    for (const image of images) marks.begin(image, Date.now());
    marks.close();
  }
  await work((text) => saw(text));
  await drained(bench.log, GROUP, INGEST_TOPIC);
  const events = await sent();
  expect(payloadOf(events[0]!, ServiceFailed)).toMatchObject({ imageId: deadly, type: '/problems/analysis-crashed' });
  expect(payloadOf(events[1]!, Barcode)).toMatchObject({ imageId: neighbour });
  expect(await deadLetters()).toHaveLength(1);
});

test('a result that the log does not take fails its image, not the service', async () => {
  const large = await post('large');
  await post('small');
  await work((text) => saw(text === 'large' ? 'x'.repeat(2 << 20) : 'x'));
  await drained(bench.log, GROUP, INGEST_TOPIC);
  const events = await sent();
  expect(payloadOf(events[0]!, ServiceFailed)).toMatchObject({ imageId: large, type: '/problems/result-too-large' });
  expect(events.at(-1)!.type).toBe(ServiceCompleted.typeName);
});

test('a large image is fetched from the blob store that its reference names', async () => {
  const fetched = vi.spyOn(bench.blobs, 'get');
  const bytes = Buffer.from('a large image');
  await bench.blobs.put(createHash('sha256').update(bytes).digest(), bytes);
  const token = await mint(bench, 'alice', { 'barcode-*': {} });
  await submit(bench, { client: 'alice', transaction: 't', token, bytes, asBlob: true });
  await work((text) => saw(text));
  await drained(bench.log, GROUP, INGEST_TOPIC);
  expect(payloadOf((await sent())[0]!, Barcode).text).toBe('a large image');
  expect(fetched.mock.calls).toEqual([[expect.anything(), 'folder']]);
});

test('an image whose blob is gone is set aside, and its client is told', async () => {
  const token = await mint(bench, 'alice', { 'barcode-*': {} });
  await submit(bench, { client: 'alice', transaction: 't', token, bytes: Buffer.from('never stored'), asBlob: true });
  await work(() => saw('nothing'));
  await drained(bench.log, GROUP, INGEST_TOPIC);
  expect((await sent()).map((event) => payloadOf(event, ServiceFailed).type)).toEqual(['/problems/image-lost']);
  expect((await deadLetters()).map(({ type }) => type)).toEqual(['/problems/image-lost']);
});

test('an image whose attempt cannot be noted, for want of disk, gives its place back and is worked on later', async () => {
  const noting = vi.spyOn(Attempts.prototype, 'begin');
  for (let time = 0; time < 3; time++)
    noting.mockImplementationOnce(() => {
      throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
    });
  try {
    await post('the only one');
    // One place: whoever keeps it stops everything.
    await work(() => saw('seen'), { maxImagesInFlight: 1 });
    await drained(bench.log, GROUP, INGEST_TOPIC);
    expect(noting.mock.calls.length).toBeGreaterThan(3);
    expect((await sent()).map(({ type }) => type)).toEqual([Barcode.typeName, ServiceCompleted.typeName]);
  } finally {
    noting.mockRestore();
  }
});
