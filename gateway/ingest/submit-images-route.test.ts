import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FolderBlobStore } from '../../protocol/blob/folder-blob-store.ts';
import { payloadOf, unpackEvent } from '../../protocol/envelope.ts';
import { ImageAccepted, IngestedImage } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { LogUnavailableError, RecordTooLargeError } from '../../protocol/log/errors.ts';
import { derivedMessageId, isUuid } from '../../protocol/message-id.ts';
import { type GatewayFixture, openGateway } from '../testing/gateway-fixture.ts';
import { producingLog } from '../testing/produced.ts';
import { sampleImage } from '../testing/sample-image.ts';

const log = producingLog();
const MAX_BYTES = 20_000;
const INLINE_BYTES = 5_000;
let gateway: GatewayFixture;
let jpeg: Buffer;
let png: Buffer;
let token: string;

beforeAll(async () => {
  gateway = await openGateway(log, {
    maxImageBytes: MAX_BYTES,
    maxInlineImageBytes: INLINE_BYTES,
    maxImagePixels: 100 * 100,
    maxImagesPerRequest: 3,
    maxRequestBytes: 2 * MAX_BYTES,
    maxRequestsInFlightPerClient: 2,
    retryAfterSeconds: 7,
  });
  jpeg = await sampleImage('image/jpeg');
  png = await sampleImage('image/png', 20, 10);
  token = await gateway.token('alice');
});
afterAll(() => gateway.close());
beforeEach(() => {
  log.produced.length = 0;
  log.beforeProduce = async () => {};
});

function submit(content: Buffer | string, headers: Record<string, string | undefined> = {}, path = 't1/images') {
  const all: Record<string, string | undefined> = {
    authorization: `Bearer ${token}`,
    'content-type': 'image/jpeg',
    ...headers,
  };
  return gateway.server.inject({
    method: 'POST',
    url: `/v1/transactions/${path}`,
    headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >,
    body: content,
  });
}

function form(
  ...parts: readonly [field: string, filename: string, content: Buffer][]
): [Buffer, Record<string, string>] {
  const boundary = 'limit-of-parts';
  const encoded = parts.flatMap(([field, filename, content]) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${filename}"\r\nContent-Type: image/png\r\n\r\n`,
    ),
    content,
    Buffer.from('\r\n'),
  ]);
  const body = Buffer.concat([...encoded, Buffer.from(`--${boundary}--\r\n`)]);
  return [body, { 'content-type': `multipart/form-data; boundary=${boundary}` }];
}

describe('an image that is accepted', () => {
  test('is on ingest-1 under its transaction and told on results-1 under its client before the 202', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const response = await submit(jpeg, { traceparent }, 't1/images?name=holiday.jpg');
    expect(response.statusCode).toBe(202);
    expect(response.headers.location).toBe('/v1/transactions/t1');
    const { transaction, images } = response.json();
    expect(transaction).toBe('t1');
    const [{ image: imageId, ...facts }] = images;
    expect(isUuid(imageId)).toBe(true);
    expect(facts).toEqual({
      name: 'holiday.jpg',
      media_type: 'image/jpeg',
      width: 40,
      height: 30,
      size: jpeg.byteLength,
    });

    expect(log.produced.map(({ topic, records }) => [topic, records.map(({ key }) => key)])).toEqual([
      ['ingest-1', ['t1']],
      ['results-1', ['alice']],
    ]);
    const [ingest, results] = log.produced.map(({ records }) => unpackEvent(records[0]!.value));
    expect(ingest).toMatchObject({ messageId: imageId, correlationId: 't1', client: 'alice', token });
    // The same trace; whether it is recorded is the operator's to decide.
    expect(ingest!.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-0[01]$/);
    const stored = payloadOf(ingest!, IngestedImage);
    expect(stored).toMatchObject({ imageId, mediaType: 'image/jpeg', width: 40, height: 30 });
    expect(stored.content).toEqual({ oneofKind: 'inline', inline: new Uint8Array(jpeg) });
    expect(results).toMatchObject({ messageId: derivedMessageId(imageId, 'accepted'), correlationId: 't1', token });
    expect(payloadOf(results!, ImageAccepted)).toMatchObject({
      imageId,
      services: ['barcode', 'ocr'],
      name: 'holiday.jpg',
    });
  });

  test('larger than what the log shall carry lies in the blob store before its event names it', async () => {
    // Uncompressed, so that it is as large as its pixels.
    const large = await sampleImage('image/tiff', 60, 60);
    expect(large.byteLength).toBeGreaterThan(INLINE_BYTES);
    expect((await submit(large, { 'content-type': 'image/tiff' })).statusCode).toBe(202);
    const { content, sha256 } = payloadOf(unpackEvent(log.produced[0]!.records[0]!.value), IngestedImage);
    expect(content).toEqual({ oneofKind: 'blob', blob: { store: 'folder', size: large.byteLength } });
    expect(await new FolderBlobStore(join(gateway.folder, 'blobs')).get(sha256)).toEqual(large);
  });

  test('is what its bytes say, whatever the sender calls it', async () => {
    for (const type of ['image/jpeg', 'application/octet-stream', 'image/png; charset=x'])
      expect((await submit(png, { 'content-type': type })).json().images[0].media_type).toBe('image/png');
  });

  test('may come with others in one form: all of them, in order, in one append', async () => {
    const response = await submit(...form(['front', 'a.jpg', jpeg], ['back', 'b.png', png]));
    expect(response.statusCode).toBe(202);
    expect(response.json().images.map(({ name }: { name: string }) => name)).toEqual(['a.jpg', 'b.png']);
    expect(log.produced.map(({ records }) => records.length)).toEqual([2, 2]);
  });
});

describe('under an idempotency key', () => {
  const keyed = (content: Buffer, key: string, path?: string) => submit(content, { 'idempotency-key': key }, path);

  test('a repeat is answered as before and appended once', async () => {
    const first = await keyed(jpeg, 'order-1', 't1/images?name=a.jpg');
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    const again = await keyed(jpeg, 'order-1');
    expect(again.statusCode).toBe(202);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.json()).toEqual(first.json());
    expect(log.produced.length).toBe(2);
  });

  test('other content is a conflict, and nothing is appended', async () => {
    await keyed(jpeg, 'order-2');
    log.produced.length = 0;
    const response = await keyed(png, 'order-2');
    expect(response.statusCode).toBe(409);
    expect(response.json().type).toBe('/problems/idempotency-conflict');
    expect(log.produced).toEqual([]);
  });

  test('another transaction, another client and another key are other submissions', async () => {
    const bob = `Bearer ${await gateway.token('bob')}`;
    const ids = [];
    for (const response of [
      await keyed(jpeg, 'order-3'),
      await keyed(jpeg, 'order-3', 't2/images'),
      await submit(jpeg, { 'idempotency-key': 'order-3', authorization: bob }),
      await keyed(jpeg, 'order-4'),
    ])
      ids.push(response.json().images[0].image);
    expect(new Set(ids).size).toBe(4);
  });

  test('what the log did not acknowledge is repeated under the same ids', async () => {
    const messageIds: string[] = [];
    log.beforeProduce = async (topic) => {
      if (topic === 'results-1') throw new LogUnavailableError('no broker');
    };
    expect((await keyed(jpeg, 'order-5')).statusCode).toBe(503);
    log.beforeProduce = async () => {};
    expect((await keyed(jpeg, 'order-5')).statusCode).toBe(202);
    for (const { topic, records } of log.produced)
      if (topic === 'ingest-1') messageIds.push(unpackEvent(records[0]!.value).messageId);
    expect(messageIds.length).toBe(2);
    expect(messageIds[1]).toBe(messageIds[0]);
  });

  test('while the first is being taken in, the second is told to wait', async () => {
    const gate = Promise.withResolvers<void>();
    log.beforeProduce = () => gate.promise;
    const first = keyed(jpeg, 'order-6');
    await expect.poll(() => metric('sluice_gateway_in_flight_requests')).toBe(1);
    const second = await keyed(jpeg, 'order-6');
    expect(second.statusCode).toBe(409);
    expect(second.json().type).toBe('/problems/idempotency-in-progress');
    expect(second.headers['retry-after']).toBe('1');
    gate.resolve();
    expect((await first).statusCode).toBe(202);
  });

  test('a token that was issued in an outage of the identity store brings nothing in without a key', async () => {
    const authorization = `Bearer ${await gateway.token('alice', undefined, undefined, true)}`;
    const refused = await submit(jpeg, { authorization });
    expect(refused.statusCode).toBe(403);
    expect(refused.json().type).toBe('/problems/idempotency-required');
    expect(log.produced).toEqual([]);
    expect((await submit(jpeg, { authorization, 'idempotency-key': 'order-7' })).statusCode).toBe(202);
  });
});

describe('with a content digest', () => {
  const digestOf = (content: Buffer, algorithm = 'sha256') =>
    `${algorithm.replace('sha', 'sha-')}=:${createHash(algorithm).update(content).digest('base64')}:`;

  test('a body that arrived as it was sent is taken in, another is not', async () => {
    for (const digest of [digestOf(jpeg), digestOf(jpeg, 'sha512')])
      expect((await submit(jpeg, { 'content-digest': digest })).statusCode).toBe(202);
    log.produced.length = 0;
    const response = await submit(jpeg, { 'content-digest': digestOf(png) });
    expect(response.statusCode).toBe(400);
    expect(response.json().type).toBe('/problems/digest-mismatch');
    expect(log.produced).toEqual([]);
  });

  test('of a form it is that of the whole form', async () => {
    const [body, headers] = form(['front', 'a.jpg', jpeg]);
    expect((await submit(body, { ...headers, 'content-digest': digestOf(body) })).statusCode).toBe(202);
    expect((await submit(body, { ...headers, 'content-digest': digestOf(jpeg) })).statusCode).toBe(400);
  });
});

describe('what is refused, with its problem and the field at fault', () => {
  test.each<[string, number, string, string | undefined, () => ReturnType<typeof submit>]>([
    ['no token', 401, 'unauthenticated', undefined, () => submit(jpeg, { authorization: undefined })],
    ['a token that is none', 401, 'unauthenticated', undefined, () => submit(jpeg, { authorization: 'Bearer abc' })],
    ['a transaction that cannot be one', 400, 'invalid-request', 'path/id', () => submit(jpeg, {}, 'a%20b/images')],
    ['an empty body', 400, 'invalid-request', 'body', () => submit('')],
    ['a blank key', 400, 'invalid-request', 'header/idempotency-key', () => submit(jpeg, { 'idempotency-key': ' ' })],
    [
      'no media type',
      415,
      'unsupported-media-type',
      'header/content-type',
      () => submit(jpeg, { 'content-type': undefined }),
    ],
    [
      'JSON',
      415,
      'unsupported-media-type',
      'header/content-type',
      () => submit('{}', { 'content-type': 'application/json' }),
    ],
    [
      'SVG',
      415,
      'unsupported-media-type',
      'header/content-type',
      () => submit('<svg/>', { 'content-type': 'image/svg+xml' }),
    ],
    ['text that calls itself a JPEG', 422, 'invalid-image', 'body', () => submit('I am a picture, believe me')],
    ['a damaged header', 422, 'invalid-image', 'body', () => submit(jpeg.subarray(0, 30))],
    ['too many bytes', 413, 'payload-too-large', 'body', () => submit(Buffer.concat([jpeg, Buffer.alloc(MAX_BYTES)]))],
    ['too many pixels', 422, 'image-too-large', 'body', async () => submit(await sampleImage('image/png', 101, 100))],
    ['a form without files', 400, 'invalid-request', 'body', () => submit(...form())],
    [
      'a form without its boundary',
      400,
      'invalid-request',
      'body',
      () => submit(jpeg, { 'content-type': 'multipart/form-data' }),
    ],
    [
      'a form without its end',
      400,
      'invalid-request',
      'body',
      () => {
        const [body, headers] = form(['front', 'a.jpg', jpeg]);
        return submit(body.subarray(0, -40), headers);
      },
    ],
    [
      'a form with one bad part',
      422,
      'invalid-image',
      'body/back',
      () => submit(...form(['front', 'a', jpeg], ['back', 'b', Buffer.from('not an image, no')])),
    ],
  ])('%s: %i %s', async (_what, status, key, field, send) => {
    const response = await send();
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toBe('application/problem+json');
    const problem = response.json();
    expect(problem).toMatchObject({ type: `/problems/${key}`, status });
    expect(isUuid(problem.request)).toBe(true);
    if (field !== undefined) expect(problem.errors.map((error: { field: string }) => error.field)).toEqual([field]);
    expect(log.produced).toEqual([]);
  });

  test('a token that does not grant it: 403 with the grant that is missing', async () => {
    const other = await gateway.token('alice', { 'firehose-1': {} });
    const response = await submit(jpeg, { authorization: `Bearer ${other}` });
    expect(response.statusCode).toBe(403);
    expect(response.json()).toMatchObject({ type: '/problems/not-granted', required: 'ingest-1.0' });
  });

  test('an expired token: 401 with a challenge', async () => {
    const old = await gateway.token('alice', undefined, -60_000);
    const response = await submit(jpeg, { authorization: `Bearer ${old}` });
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  test('another path: 404', async () => {
    expect((await submit(jpeg, {}, 't1/pictures')).statusCode).toBe(404);
  });

  test('more images in a form than are accepted: 413', async () => {
    const response = await submit(
      ...form(...Array.from({ length: 4 }, (_, n) => [`f${n}`, '', jpeg] as [string, string, Buffer])),
    );
    expect(response.statusCode).toBe(413);
    expect(response.json()).toMatchObject({ limit_images: 3 });
  });
});

describe('a log that', () => {
  test.each(['ingest-1', 'results-1'])('does not acknowledge %s: 503 with Retry-After', async (failing) => {
    log.beforeProduce = async (topic) => {
      if (topic === failing) throw new LogUnavailableError('no broker');
    };
    const response = await submit(jpeg);
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toBe('7');
    expect(response.json().type).toBe('/problems/unavailable');
  });

  test('finds the record too large: 413', async () => {
    log.beforeProduce = async (topic) => {
      throw new RecordTooLargeError(topic, 2, 1);
    };
    expect((await submit(jpeg)).statusCode).toBe(413);
  });

  test('is slow: the client that has all its places taken is answered 429, another is not', async () => {
    const gate = Promise.withResolvers<void>();
    log.beforeProduce = () => gate.promise;
    const waiting = [submit(jpeg), submit(jpeg)];
    await expect.poll(() => metric('sluice_gateway_in_flight_requests')).toBe(2);
    const refused = await submit(jpeg);
    expect(refused.statusCode).toBe(429);
    expect(refused.headers['retry-after']).toBe('1');
    const other = submit(jpeg, { authorization: `Bearer ${await gateway.token('bob')}` });
    gate.resolve();
    for (const response of await Promise.all([...waiting, other])) expect(response.statusCode).toBe(202);
    expect(await metric('sluice_gateway_in_flight_requests')).toBe(0);
    expect(await metric('sluice_gateway_in_flight_bytes')).toBe(0);
  });
});

async function metric(name: string): Promise<number | undefined> {
  return (await gateway.metrics.getSingleMetric(name)?.get())?.values[0]?.value;
}
