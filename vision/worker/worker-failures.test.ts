/** The worker loop on a real log where something is wrong: a record, an image, the engine, a blob or the disk. */
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { payloadOf } from '../../protocol/envelope.ts';
import { Barcode } from '../../protocol/generated/barcode/v1m0/barcode_pb.js';
import { ServiceCompleted, ServiceFailed } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { INGEST_TOPIC } from '../../protocol/log/topics.ts';
import { AnalysisFailed, ConfigInvalid, ImageUndecodable, InferenceUnavailable } from '../inference/errors.ts';
import { deadLettersOf, mint, submit, until } from '../testing/bench.ts';
import { saw, WORKER_GROUP, workerForEachTest } from '../testing/scripted-worker.ts';
import { Attempts } from './attempts.ts';

const worker = workerForEachTest();

test('a forged, a foreign and an unreadable record are set aside with their cause, and the work goes on', async () => {
  await worker.bench.log.produce(INGEST_TOPIC, [{ key: 't', value: Buffer.from('no envelope') }]);
  await submit(worker.bench, { client: 'alice', transaction: 't', token: 'forged' });
  const token = await mint(worker.bench, 'mallory', { 'barcode-*': {} });
  await submit(worker.bench, { client: 'alice', transaction: 't', token });
  await worker.post('sound');
  await worker.start((text) => saw(text));
  await worker.drained();
  const letters = await deadLettersOf(worker.bench.log);
  expect(letters.map(({ detail }) => detail)).toEqual([
    'the record is not an envelope',
    'this is not an authorisation token',
    'the token belongs to another client than the message',
  ]);
  expect(letters[0]).toMatchObject({
    service: WORKER_GROUP,
    type: '/problems/poisoned-message',
    source: { topic: INGEST_TOPIC },
    key: 't',
  });
  expect(Buffer.from(letters[0]!.value).toString()).toBe('no envelope');
  expect((await worker.sent()).map(({ type }) => type)).toEqual([Barcode.typeName, ServiceCompleted.typeName]);
});

test.each([
  [new ImageUndecodable('damaged'), '/problems/invalid-image'],
  [new ConfigInvalid('/formats is unknown'), '/problems/invalid-grant-configuration'],
])('%s is told to the client at once and troubles no operator', async (error, type) => {
  const imageId = await worker.post('bad');
  let tries = 0;
  await worker.start(() => {
    tries += 1;
    throw error;
  });
  await worker.drained();
  expect(tries).toBe(1);
  expect((await worker.sent()).map((event) => payloadOf(event, ServiceFailed))).toMatchObject([
    { imageId, service: 'barcode', version: '1.0', type, detail: error.message, attempts: 1 },
  ]);
  expect(await deadLettersOf(worker.bench.log)).toEqual([]);
});

test('an image that fails now and then is tried again; one that always fails is set aside; others go on', async () => {
  const hopeless = await worker.post('hopeless');
  await worker.post('wavering');
  await worker.post('sound');
  const tries = new Map<string, number>();
  await worker.start((text) => {
    tries.set(text, (tries.get(text) ?? 0) + 1);
    if (text === 'hopeless' || (text === 'wavering' && tries.get(text)! < 3)) throw new AnalysisFailed('oh no');
    return saw(text);
  });
  await worker.drained();
  expect(Object.fromEntries(tries)).toEqual({ hopeless: 3, wavering: 3, sound: 1 });
  const events = await worker.sent();
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
  const [letter, ...others] = await deadLettersOf(worker.bench.log);
  expect(others).toEqual([]);
  expect(letter).toMatchObject({ type: '/problems/analysis-failed', detail: 'oh no', attempts: 3 });
});

test('while nothing can be analysed images wait, and none is blamed', async () => {
  for (const text of ['a', 'b', 'c']) await worker.post(text);
  let outage = true;
  let refused = 0;
  await worker.start((text) => {
    if (outage) {
      refused += 1;
      throw new InferenceUnavailable('no model');
    }
    return saw(text);
  });
  await until(() => refused > 0);
  outage = false;
  await worker.drained();
  expect((await worker.sent()).filter(({ type }) => type === ServiceCompleted.typeName)).toHaveLength(3);
  expect(await deadLettersOf(worker.bench.log)).toEqual([]);
});

test('an image over which the process keeps dying is given up, and those that were there with it are not', async () => {
  const deadly = await worker.post('deadly');
  const neighbour = await worker.post('neighbour');
  for (const images of [[deadly, neighbour], [deadly]]) {
    const marks = new Attempts(join(worker.bench.folder, 'vision'), Date.now());
    for (const image of images) marks.begin(image, Date.now());
    marks.close();
  }
  await worker.start((text) => saw(text));
  await worker.drained();
  const events = await worker.sent();
  expect(payloadOf(events[0]!, ServiceFailed)).toMatchObject({ imageId: deadly, type: '/problems/analysis-crashed' });
  expect(payloadOf(events[1]!, Barcode)).toMatchObject({ imageId: neighbour });
  expect(await deadLettersOf(worker.bench.log)).toHaveLength(1);
});

test('a result that the log does not take fails its image, not the service', async () => {
  const large = await worker.post('large');
  await worker.post('small');
  await worker.start((text) => saw(text === 'large' ? 'x'.repeat(2 << 20) : 'x'));
  await worker.drained();
  const events = await worker.sent();
  expect(payloadOf(events[0]!, ServiceFailed)).toMatchObject({ imageId: large, type: '/problems/result-too-large' });
  expect(events.at(-1)!.type).toBe(ServiceCompleted.typeName);
});

test('an image whose blob is gone is set aside, and its client is told', async () => {
  const token = await mint(worker.bench, 'alice', { 'barcode-*': {} });
  await submit(worker.bench, {
    client: 'alice',
    transaction: 't',
    token,
    bytes: Buffer.from('never stored'),
    asBlob: true,
  });
  await worker.start(() => saw('nothing'));
  await worker.drained();
  expect((await worker.sent()).map((event) => payloadOf(event, ServiceFailed).type)).toEqual(['/problems/image-lost']);
  expect((await deadLettersOf(worker.bench.log)).map(({ type }) => type)).toEqual(['/problems/image-lost']);
});

test('an image whose attempt cannot be noted, for want of disk, gives its place back and is worked on later', async () => {
  const noting = vi.spyOn(Attempts.prototype, 'begin');
  for (let time = 0; time < 3; time++)
    noting.mockImplementationOnce(() => {
      throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
    });
  try {
    await worker.post('the only one');
    // One place: whoever keeps it stops everything.
    await worker.start(() => saw('seen'), { maxImagesInFlight: 1 });
    await worker.drained();
    expect(noting.mock.calls.length).toBeGreaterThan(3);
    expect((await worker.sent()).map(({ type }) => type)).toEqual([Barcode.typeName, ServiceCompleted.typeName]);
  } finally {
    noting.mockRestore();
  }
});
