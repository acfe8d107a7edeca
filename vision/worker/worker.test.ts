/** The worker loop on a real log, with a scripted engine in the place of inference: what becomes of sound images. */
import { createHash } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { payloadOf } from '../../protocol/envelope.ts';
import { Barcode } from '../../protocol/generated/barcode/v1m0/barcode_pb.js';
import { ServiceCompleted } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { INGEST_TOPIC } from '../../protocol/log/topics.ts';
import { mint, submit, until } from '../testing/bench.ts';
import { saw, WORKER_GROUP, workerForEachTest } from '../testing/scripted-worker.ts';

const worker = workerForEachTest();

test('an image gives its results and then the marker, and its position is committed', async () => {
  const imageId = await worker.post('two codes');
  await worker.start(() => saw('a', 'b'));
  await worker.drained();
  const events = await worker.sent();
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
  await worker.post('not for me', 't', { 'ocr-1': {} });
  await worker.post('older version', 't', { 'barcode-2.*': {} });
  await worker.post('for me', 't', { 'barcode-1': { formats: ['QRCode'] } });
  const seen: unknown[] = [];
  await worker.start((text, _id, config) => {
    seen.push([text, config]);
    return saw();
  });
  await worker.drained();
  expect(seen).toEqual([['for me', { formats: ['QRCode'] }]]);
  expect(await worker.sent()).toHaveLength(1);
});

test('the results of a transaction leave in the order of its images, whichever is done first', async () => {
  for (const text of ['slow', 'quick', 'quicker']) await worker.post(text);
  const slow = Promise.withResolvers<void>();
  const done: string[] = [];
  await worker.start(async (text) => {
    if (text === 'slow') await slow.promise;
    done.push(text);
    if (done.length === 2) slow.resolve();
    return saw(text);
  });
  await worker.drained();
  expect(done.at(-1)).toBe('slow');
  const texts = (await worker.sent())
    .filter(({ type }) => type === Barcode.typeName)
    .map((e) => payloadOf(e, Barcode).text);
  expect(texts).toEqual(['slow', 'quick', 'quicker']);
});

test('an image accepted in time is analysed however long it waited', async () => {
  const yesterday = Date.now() - 24 * 3_600_000;
  const token = await mint(worker.bench, 'alice', { 'barcode-*': {} }, yesterday);
  await submit(worker.bench, { client: 'alice', transaction: 't', token, time: yesterday + 1000 });
  await worker.start(() => saw());
  await worker.drained();
  expect((await worker.sent()).map(({ type }) => type)).toEqual([ServiceCompleted.typeName]);
});

test('work that is done again sends the same message ids', async () => {
  await worker.post('first');
  await worker.post('second');
  await worker.start((text) => saw(text));
  await worker.drained();
  await worker.stop();
  const start = new Map(
    (await worker.bench.log.watermarks(INGEST_TOPIC)).map(({ partition, earliest }) => [partition, earliest]),
  );
  await worker.bench.log.commitOffsets(WORKER_GROUP, INGEST_TOPIC, start);
  await worker.start((text) => saw(text));
  await worker.drained();
  const ids = (await worker.sent()).map(({ messageId }) => messageId);
  expect(ids).toHaveLength(8);
  expect(ids.slice(4)).toEqual(ids.slice(0, 4));
});

test('stopping finishes what is in work and hands back the rest', async () => {
  for (const text of ['first', 'second', 'third']) await worker.post(text);
  const stuck = Promise.withResolvers<void>();
  const begun: string[] = [];
  await worker.start(
    async (text) => {
      begun.push(text);
      if (text === 'second') await stuck.promise;
      return saw(text);
    },
    { maxImagesInFlight: 1 },
  );
  await until(() => begun.includes('second'));
  const closing = worker.stop();
  stuck.resolve();
  await closing;
  expect(begun).toEqual(['first', 'second']);
  await worker.start((text) => saw(text));
  await worker.drained();
  const texts = (await worker.sent())
    .filter(({ type }) => type === Barcode.typeName)
    .map((e) => payloadOf(e, Barcode).text);
  expect(texts).toEqual(['first', 'second', 'third']);
});

test('a large image is fetched from the blob store that its reference names', async () => {
  const fetched = vi.spyOn(worker.bench.blobs, 'get');
  const bytes = Buffer.from('a large image');
  await worker.bench.blobs.put(createHash('sha256').update(bytes).digest(), bytes);
  const token = await mint(worker.bench, 'alice', { 'barcode-*': {} });
  await submit(worker.bench, { client: 'alice', transaction: 't', token, bytes, asBlob: true });
  await worker.start((text) => saw(text));
  await worker.drained();
  expect(payloadOf((await worker.sent())[0]!, Barcode).text).toBe('a large image');
  expect(fetched.mock.calls).toEqual([[expect.anything(), 'folder']]);
});
