/** Images that are accepted: what is on the log before the 202, and where a large one lies. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { FolderBlobStore } from '../../protocol/blob/folder-blob-store.ts';
import { payloadOf, unpackEvent } from '../../protocol/envelope.ts';
import { ImageAccepted, IngestedImage } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { derivedMessageId, isUuid } from '../../protocol/message-id.ts';
import { sampleImage } from '../testing/sample-image.ts';
import { form, INLINE_BYTES, SubmissionFixture } from '../testing/submission-fixture.ts';

const fixture = await SubmissionFixture.open();
const { jpeg, png, submit } = fixture;
afterAll(() => fixture.close());
beforeEach(() => fixture.reset());

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

    expect(fixture.log.produced.map(({ topic, records }) => [topic, records.map(({ key }) => key)])).toEqual([
      ['ingest-1', ['t1']],
      ['results-1', ['alice']],
    ]);
    const [ingest, results] = fixture.log.produced.map(({ records }) => unpackEvent(records[0]!.value));
    expect(ingest).toMatchObject({ messageId: imageId, correlationId: 't1', client: 'alice', token: fixture.token });
    // The same trace; whether it is recorded is the operator's to decide.
    expect(ingest!.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-0[01]$/);
    const stored = payloadOf(ingest!, IngestedImage);
    expect(stored).toMatchObject({ imageId, mediaType: 'image/jpeg', width: 40, height: 30 });
    expect(stored.content).toEqual({ oneofKind: 'inline', inline: new Uint8Array(jpeg) });
    expect(results).toMatchObject({
      messageId: derivedMessageId(imageId, 'accepted'),
      correlationId: 't1',
      token: fixture.token,
    });
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
    const { content, sha256 } = payloadOf(unpackEvent(fixture.log.produced[0]!.records[0]!.value), IngestedImage);
    expect(content).toEqual({ oneofKind: 'blob', blob: { store: 'folder', size: large.byteLength } });
    expect(await new FolderBlobStore(join(fixture.gateway.folder, 'blobs')).get(sha256)).toEqual(large);
  });

  test('is what its bytes say, whatever the sender calls it', async () => {
    for (const type of ['image/jpeg', 'application/octet-stream', 'image/png; charset=x'])
      expect((await submit(png, { 'content-type': type })).json().images[0].media_type).toBe('image/png');
  });

  test('may come with others in one form: all of them, in order, in one append', async () => {
    const response = await submit(...form(['front', 'a.jpg', jpeg], ['back', 'b.png', png]));
    expect(response.statusCode).toBe(202);
    expect(response.json().images.map(({ name }: { name: string }) => name)).toEqual(['a.jpg', 'b.png']);
    expect(fixture.log.produced.map(({ records }) => records.length)).toEqual([2, 2]);
  });
});

describe('with a content digest', () => {
  const digestOf = (content: Buffer, algorithm = 'sha256') =>
    `${algorithm.replace('sha', 'sha-')}=:${createHash(algorithm).update(content).digest('base64')}:`;

  test('a body that arrived as it was sent is taken in, another is not', async () => {
    for (const digest of [digestOf(jpeg), digestOf(jpeg, 'sha512')])
      expect((await submit(jpeg, { 'content-digest': digest })).statusCode).toBe(202);
    fixture.log.produced.length = 0;
    const response = await submit(jpeg, { 'content-digest': digestOf(png) });
    expect(response.statusCode).toBe(400);
    expect(response.json().type).toBe('/problems/digest-mismatch');
    expect(fixture.log.produced).toEqual([]);
  });

  test('of a form it is that of the whole form', async () => {
    const [body, headers] = form(['front', 'a.jpg', jpeg]);
    expect((await submit(body, { ...headers, 'content-digest': digestOf(body) })).statusCode).toBe(202);
    expect((await submit(body, { ...headers, 'content-digest': digestOf(jpeg) })).statusCode).toBe(400);
  });
});
