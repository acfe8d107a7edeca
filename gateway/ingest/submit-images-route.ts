/**
 * `POST /v1/transactions/{id}/images`: takes images in and answers 202 when the log has them.
 *
 * The order is the order of cost: token, place, declared size, first bytes, all bytes, header, log.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { BlobUnavailableError } from '../../protocol/blob/blob-store.ts';
import type { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { visionServices } from '../../protocol/claims/vision-grants.ts';
import { authorise, type Caller } from '../../protocol/http/bearer.ts';
import { Problem } from '../../protocol/http/problem.ts';
import { wantBody } from '../../protocol/http/request-body.ts';
import { LogUnavailableError, RecordTooLargeError } from '../../protocol/log/errors.ts';
import { traceparentOf } from '../../protocol/trace-context.ts';
import { readImageHeader, TooManyPixelsError, UnreadableImageError } from '../images/image-header.ts';
import { ACCEPTED_IMAGES } from '../images/image-kind.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { imageId } from './image-ids.ts';
import type { InFlight } from './in-flight.ts';
import { type BodyLimits, expectedBytes, notAnImage, readMultipartImages, readRawImage } from './read-body.ts';
import type { ReceivedImage } from './received-image.ts';
import { type AcceptedImage, appendSubmission, type ImageStores } from './submission.ts';

export interface SubmitImagesDependencies {
  readonly stores: ImageStores;
  readonly verifier: TokenVerifier;
  readonly inFlight: InFlight;
  readonly metrics: GatewayMetrics;
  readonly limits: BodyLimits & { readonly imagePixels: number };
  readonly retryAfterSeconds: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const INGEST = { service: 'ingest', version: { major: 1, minor: 0 } };
const RAW_TYPES = [...ACCEPTED_IMAGES, 'image/jpg', 'application/octet-stream'];
const ACCEPTED_TYPES = [...ACCEPTED_IMAGES, 'application/octet-stream', 'multipart/form-data'];

const Params = Type.Object({
  id: Type.String({
    pattern: '^[A-Za-z0-9._~-]{1,128}$',
    description: 'Transaction, named by the client: 1 to 128 letters, digits, ".", "_", "~" or "-"',
  }),
});
const Query = Type.Object({
  name: Type.Optional(Type.String({ maxLength: 255, description: 'File name of a raw body, for people' })),
});
const Headers = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,255}$',
      description: 'Names this submission: sent again under the same key it is taken in once. A UUIDv7 is best.',
    }),
  ),
});

interface SubmitRequest {
  Params: { id: string };
  Querystring: { name?: string };
}

export async function registerSubmitImages(server: FastifyInstance, to: SubmitImagesDependencies): Promise<void> {
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    await scope.register(multipart);
    // The body stays a stream: it is read by the handler, within its limits.
    scope.addContentTypeParser(RAW_TYPES, (_request, payload, done) => done(null, payload));
    scope.addContentTypeParser('*', (request, _payload, done) => done(unsupported(request)));

    const callers = new WeakMap<FastifyRequest, Caller>();
    scope.addHook('onRequest', async (request) => {
      callers.set(request, await authorise(request.headers, to.verifier, INGEST, to.now()));
    });
    scope.addHook('onError', async (_request, _reply, error) => {
      to.metrics.refused((error as unknown) instanceof Problem ? (error as unknown as Problem).key : 'other');
    });
    scope.addHook('onResponse', async (_request, reply) => to.metrics.answered(reply.elapsedTime / 1000));

    scope.post<SubmitRequest>(
      '/v1/transactions/:id/images',
      { config: { readsBody: true }, schema: { params: Params, querystring: Query, headers: Headers } },
      async (request, reply) => {
        const caller = callers.get(request)!;
        const leave = to.inFlight.enter(caller.claims.client, expectedBytes(request, to.limits));
        try {
          wantBody(request);
          const images = await acceptImages(to, caller, request);
          reply.code(202).header('location', `/v1/transactions/${request.params.id}`);
          return { transaction: request.params.id, images: images.map(receipt) };
        } finally {
          leave();
        }
      },
    );
  });
}

async function acceptImages(
  to: SubmitImagesDependencies,
  { claims, token }: Caller,
  request: FastifyRequest<SubmitRequest>,
): Promise<AcceptedImage[]> {
  const eventTime = to.now();
  const transaction = request.params.id;
  const idempotencyKey = request.headers['idempotency-key'] as string | undefined;
  const received = await receive(request, to.limits);
  const images = await Promise.all(
    received.map(async (image, index) => {
      const id = imageId({ client: claims.client, transaction, idempotencyKey }, index, eventTime);
      return inspect(image, id, to.limits.imagePixels);
    }),
  );
  const traceparent = traceparentOf(request.headers.traceparent);
  await append(to, {
    context: { correlationId: transaction, client: claims.client, token, traceparent },
    services: visionServices(claims.grants),
    images,
    eventTime,
  });
  to.metrics.accepted(images);
  return images;
}

async function receive(request: FastifyRequest<SubmitRequest>, limits: BodyLimits): Promise<ReceivedImage[]> {
  if (request.isMultipart()) return readMultipartImages(request, limits);
  if (request.body === undefined || request.body === null) throw unsupported(request);
  return [await readRawImage(request.body as Readable, request.query.name ?? '', limits)];
}

async function inspect({ field, name, content }: ReceivedImage, id: string, maxPixels: number): Promise<AcceptedImage> {
  try {
    const header = await readImageHeader(content, maxPixels);
    return { ...header, imageId: id, name, content, sha256: createHash('sha256').update(content).digest() };
  } catch (error) {
    if (error instanceof UnreadableImageError) throw notAnImage(field, error.message);
    if (error instanceof TooManyPixelsError)
      throw new Problem('image-too-large', `${field}: ${error.message}.`, {
        members: { limit: error.limit, errors: [{ field, detail: error.message }] },
      });
    throw error;
  }
}

async function append(to: SubmitImagesDependencies, submission: Parameters<typeof appendSubmission>[1]): Promise<void> {
  try {
    await appendSubmission(to.stores, submission);
  } catch (cause) {
    if (cause instanceof LogUnavailableError || cause instanceof BlobUnavailableError)
      throw new Problem('unavailable', 'The image cannot be stored now. Repeat with the same Idempotency-Key.', {
        retryAfterSeconds: to.retryAfterSeconds,
        cause,
      });
    if (cause instanceof RecordTooLargeError)
      throw new Problem('payload-too-large', 'An image with its envelope is larger than the log takes.', { cause });
    throw cause;
  }
}

function receipt({ imageId: image, name, mediaType, width, height, content }: AcceptedImage) {
  return { image, name, media_type: mediaType, width, height, size: content.byteLength };
}

function unsupported(request: FastifyRequest): Problem {
  const sent = request.headers['content-type'];
  const detail = sent === undefined ? 'the header is missing' : `'${sent}' is not accepted`;
  return new Problem('unsupported-media-type', `Content-Type: ${detail}. Accepted: ${ACCEPTED_TYPES.join(', ')}.`, {
    members: { accepted: ACCEPTED_TYPES, errors: [{ field: 'header/content-type', detail }] },
  });
}
