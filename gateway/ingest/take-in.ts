/**
 * Takes the images of one request in: read → inspect → recognise a repeat → append → acknowledge.
 *
 * Everything that can be refused is refused before anything is appended, and a request is taken in as a whole or not at all.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { FastifyRequest } from 'fastify';
import { BlobUnavailableError } from '../../protocol/blob/blob-store.ts';
import { visionServices } from '../../protocol/claims/vision-grants.ts';
import type { Caller } from '../../protocol/http/bearer.ts';
import { Problem } from '../../protocol/http/problem.ts';
import { LogUnavailableError, RecordTooLargeError } from '../../protocol/log/errors.ts';
import { submissionSpan } from '../../protocol/telemetry/spans.ts';
import { type ImageHeader, readImageHeader, TooManyPixelsError, UnreadableImageError } from '../images/image-header.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { DigestCheck } from './content-digest.ts';
import type { Beginning, IdempotencyStore, SubmissionKey } from './idempotency-store.ts';
import { imageId } from './image-ids.ts';
import { type BodyLimits, notAnImage, readMultipartImages, readRawImage } from './read-body.ts';
import type { ReceivedImage } from './received-image.ts';
import { type AcceptedImage, appendSubmission, type ImageStores, type Submission } from './submission.ts';

export interface TakeInDependencies {
  readonly stores: ImageStores;
  readonly idempotency: IdempotencyStore;
  readonly metrics: GatewayMetrics;
  readonly limits: BodyLimits & { readonly imagePixels: number };
  readonly retryAfterSeconds: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface SubmitRequest {
  Params: { id: string };
  Querystring: { name?: string };
}

/** What a client is answered, and answered again under the same idempotency key. */
export interface Receipt {
  readonly transaction: string;
  readonly images: readonly {
    readonly image: string;
    readonly name: string;
    readonly media_type: string;
    readonly width: number;
    readonly height: number;
    readonly size: number;
  }[];
}

interface InspectedImage extends ReceivedImage, ImageHeader {
  readonly sha256: Buffer;
}

/** @throws {Problem} */
export async function takeIn(
  to: TakeInDependencies,
  caller: Caller,
  request: FastifyRequest<SubmitRequest>,
): Promise<{ receipt: Receipt; repeated: boolean }> {
  const eventTime = to.now();
  const received = await receive(request, to.limits);
  const images = await Promise.all(received.map((image) => inspect(image, to.limits.imagePixels)));
  const key = submissionKey(caller, request);
  const name = { client: caller.claims.client, transaction: request.params.id, idempotencyKey: key?.key };
  const newIds = () => images.map(({ sha256 }, index) => imageId(name, index, sha256, eventTime));
  if (key === undefined)
    return { receipt: await append(to, caller, request, images, newIds(), eventTime), repeated: false };

  const beginning = begin(to, key, fingerprint(images), newIds, eventTime);
  switch (beginning.kind) {
    case 'repeat':
      return { receipt: beginning.answer as Receipt, repeated: true };
    case 'conflict':
      throw new Problem('idempotency-conflict', 'This Idempotency-Key was sent with other images before.');
    case 'in progress':
      throw new Problem('idempotency-in-progress', 'The same submission is being taken in.', { retryAfterSeconds: 1 });
  }
  try {
    const receipt = await append(to, caller, request, images, beginning.imageIds, eventTime);
    to.idempotency.finish(key, receipt);
    return { receipt, repeated: false };
  } finally {
    to.idempotency.release(key);
  }
}

function begin(to: TakeInDependencies, ...submission: Parameters<IdempotencyStore['begin']>): Beginning {
  try {
    return to.idempotency.begin(...submission);
  } catch (cause) {
    const { retryAfterSeconds } = to;
    throw new Problem('unavailable', 'The submission cannot be noted now. Repeat it.', { retryAfterSeconds, cause });
  }
}

function submissionKey({ claims }: Caller, request: FastifyRequest<SubmitRequest>): SubmissionKey | undefined {
  const key = request.headers['idempotency-key'];
  if (typeof key === 'string') return { client: claims.client, transaction: request.params.id, key };
  if (claims.idempotentOnly)
    throw new Problem('idempotency-required', 'With this token a submission needs an Idempotency-Key.');
  return undefined;
}

async function receive(request: FastifyRequest<SubmitRequest>, limits: BodyLimits): Promise<ReceivedImage[]> {
  const digest = DigestCheck.of(request.headers['content-digest']);
  const images = request.isMultipart()
    ? await readMultipartImages(request, limits, digest)
    : [await readRawImage(request.body as Readable, request.query.name ?? '', limits, digest)];
  if (digest !== undefined) {
    // A form may go on behind its last part, and the digest is of all of it.
    if (!request.raw.readableEnded) await finished(request.raw.resume());
    digest.finish();
  }
  return images;
}

async function inspect(image: ReceivedImage, maxPixels: number): Promise<InspectedImage> {
  const { field, content } = image;
  try {
    const header = await readImageHeader(content, maxPixels);
    return { ...image, ...header, sha256: createHash('sha256').update(content).digest() };
  } catch (error) {
    if (error instanceof UnreadableImageError) throw notAnImage(field, error.message);
    if (error instanceof TooManyPixelsError)
      throw new Problem('image-too-large', `${field}: ${error.message}.`, {
        members: { limit: error.limit, errors: [{ field, detail: error.message }] },
      });
    throw error;
  }
}

/** The same images in the same order make the same submission, whatever they are called. */
function fingerprint(images: readonly InspectedImage[]): Buffer {
  return createHash('sha256')
    .update(Buffer.concat(images.map(({ sha256 }) => sha256)))
    .digest();
}

async function append(
  to: TakeInDependencies,
  { claims, token }: Caller,
  request: FastifyRequest<SubmitRequest>,
  inspected: readonly InspectedImage[],
  imageIds: readonly string[],
  eventTime: number,
): Promise<Receipt> {
  const transaction = request.params.id;
  const images = inspected.map((image, index): AcceptedImage => ({ ...image, imageId: imageIds[index]! }));
  const services = visionServices(claims.grants);
  const attributes = {
    'sluice.transaction': transaction,
    'sluice.client': claims.client,
    'sluice.images': images.length,
  };
  await submissionSpan(request.headers.traceparent as string | undefined, attributes, (traceparent) => {
    const context = { correlationId: transaction, client: claims.client, token, traceparent };
    return store(to, { context, services, images, eventTime });
  });
  to.metrics.accepted(images);
  return {
    transaction,
    images: images.map(({ imageId: image, name, mediaType, width, height, content }) => ({
      image,
      name,
      media_type: mediaType,
      width,
      height,
      size: content.byteLength,
    })),
  };
}

async function store({ stores, retryAfterSeconds }: TakeInDependencies, submission: Submission): Promise<void> {
  try {
    await appendSubmission(stores, submission);
  } catch (cause) {
    if (cause instanceof LogUnavailableError || cause instanceof BlobUnavailableError)
      throw new Problem('unavailable', 'The image cannot be stored now. Repeat with the same Idempotency-Key.', {
        retryAfterSeconds,
        cause,
      });
    if (cause instanceof RecordTooLargeError)
      throw new Problem('payload-too-large', 'An image with its envelope is larger than the log takes.', { cause });
    throw cause;
  }
}
