/** Submissions that are refused, each with its problem, and those that the log does not take. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { LogUnavailableError, RecordTooLargeError } from '../../protocol/log/errors.ts';
import { isUuid } from '../../protocol/message-id.ts';
import { sampleImage } from '../testing/sample-image.ts';
import { form, MAX_BYTES, type Part, SubmissionFixture } from '../testing/submission-fixture.ts';

const fixture = await SubmissionFixture.open();
const { jpeg, submit } = fixture;
afterAll(() => fixture.close());
beforeEach(() => fixture.reset());

describe('what is refused, with its problem and the field at fault', () => {
  test.each<[string, number, string, string | undefined, () => ReturnType<typeof submit>]>([
    ['no token', 401, 'unauthenticated', undefined, () => submit(jpeg, { authorization: undefined })],
    ['a token that is none', 401, 'unauthenticated', undefined, () => submit(jpeg, { authorization: 'Bearer abc' })],
    ['a transaction that cannot be one', 400, 'invalid-request', 'path/id', () => submit(jpeg, {}, 'a%20b/images')],
    [
      'a parameter that is none',
      400,
      'invalid-request',
      'query/names',
      () => submit(jpeg, {}, 't1/images?names=a.jpg'),
    ],
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
    expect(fixture.log.produced).toEqual([]);
  });

  test('a token that does not grant it: 403 with the grant that is missing', async () => {
    const other = await fixture.gateway.token('alice', { 'firehose-1': {} });
    const response = await submit(jpeg, { authorization: `Bearer ${other}` });
    expect(response.statusCode).toBe(403);
    expect(response.json()).toMatchObject({ type: '/problems/not-granted', required: 'ingest-1.0' });
  });

  test('an expired token: 401 with a challenge', async () => {
    const old = await fixture.gateway.token('alice', undefined, -60_000);
    const response = await submit(jpeg, { authorization: `Bearer ${old}` });
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  test('another path: 404', async () => {
    expect((await submit(jpeg, {}, 't1/pictures')).statusCode).toBe(404);
  });

  test('more images in a form than are accepted: 413', async () => {
    const response = await submit(...form(...Array.from({ length: 4 }, (_, n) => [`f${n}`, '', jpeg] as Part)));
    expect(response.statusCode).toBe(413);
    expect(response.json()).toMatchObject({ limit_images: 3 });
  });
});

describe('a log that', () => {
  test.each(['ingest-1', 'results-1'])('does not acknowledge %s: 503 with Retry-After', async (failing) => {
    fixture.log.beforeProduce = async (topic) => {
      if (topic === failing) throw new LogUnavailableError('no broker');
    };
    const response = await submit(jpeg);
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toBe('7');
    expect(response.json().type).toBe('/problems/unavailable');
  });

  test('finds the record too large: 413', async () => {
    fixture.log.beforeProduce = async (topic) => {
      throw new RecordTooLargeError(topic, 2, 1);
    };
    expect((await submit(jpeg)).statusCode).toBe(413);
  });

  test('is slow: the client that has all its places taken is answered 429, another is not', async () => {
    const gate = Promise.withResolvers<void>();
    fixture.log.beforeProduce = () => gate.promise;
    const waiting = [submit(jpeg), submit(jpeg)];
    await expect.poll(() => fixture.metric('sluice_gateway_in_flight_requests')).toBe(2);
    const refused = await submit(jpeg);
    expect(refused.statusCode).toBe(429);
    expect(refused.headers['retry-after']).toBe('1');
    const other = submit(jpeg, { authorization: `Bearer ${await fixture.gateway.token('bob')}` });
    gate.resolve();
    for (const response of await Promise.all([...waiting, other])) expect(response.statusCode).toBe(202);
    expect(await fixture.metric('sluice_gateway_in_flight_requests')).toBe(0);
    expect(await fixture.metric('sluice_gateway_in_flight_bytes')).toBe(0);
  });
});
