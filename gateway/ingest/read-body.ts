/**
 * Reads the images out of a request: the raw body, or the files of a multipart form.
 *
 * Refuses as early as it can tell: by Content-Length before a byte is read, by the first bytes before the rest is, and at
 * the byte that is one too many.
 */
import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../../protocol/http/problem.ts';
import { ACCEPTED_IMAGES, imageKind, SIGNATURE_BYTES } from '../images/image-kind.ts';
import type { DigestCheck } from './content-digest.ts';
import type { ReceivedImage } from './received-image.ts';

export interface BodyLimits {
  readonly imageBytes: number;
  readonly images: number;
  readonly requestBytes: number;
}

/** Longest file name kept; characters. */
const MAX_NAME = 255;

/** @throws {Problem} */
export async function readRawImage(
  stream: Readable,
  name: string,
  limits: BodyLimits,
  digest: DigestCheck | undefined,
): Promise<ReceivedImage> {
  const content = await collectImage(stream, 'body', limits.imageBytes);
  digest?.update(content);
  return { field: 'body', name: shorten(name), content };
}

/** @throws {Problem} */
export async function readMultipartImages(
  request: FastifyRequest,
  limits: BodyLimits,
  digest: DigestCheck | undefined,
): Promise<ReceivedImage[]> {
  try {
    return await readParts(request, limits, digest);
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    // Whatever the parser of forms trips over: no boundary, an end that is missing, a header without its end.
    const detail = 'the form is not well-formed';
    throw new Problem('invalid-request', `body: ${detail}.`, {
      members: { errors: [{ field: 'body', detail }] },
      cause,
    });
  }
}

async function readParts(
  request: FastifyRequest,
  limits: BodyLimits,
  digest: DigestCheck | undefined,
): Promise<ReceivedImage[]> {
  const images: ReceivedImage[] = [];
  let bytes = 0;
  // Of a form the digest is that of the whole form, so it is made of what comes off the wire.
  if (digest !== undefined) request.raw.on('data', (chunk: Buffer) => digest.update(chunk));
  // One more file than is accepted is let through, so that the refusal can be ours.
  const parts = request.files({ limits: { files: limits.images + 1, fields: 16, fileSize: limits.imageBytes + 1 } });
  for await (const { fieldname, filename, file } of parts) {
    if (images.length === limits.images)
      throw new Problem('payload-too-large', `A request may bring ${limits.images} images.`, {
        members: { limit_images: limits.images },
      });
    const field = `body/${fieldname}`;
    const content = await collectImage(file, field, limits.imageBytes);
    bytes += content.byteLength;
    if (bytes > limits.requestBytes) throw tooLarge('body', limits.requestBytes);
    images.push({ field, name: shorten(filename ?? ''), content });
  }
  if (images.length === 0) throw empty('body', 'the form brings no file');
  return images;
}

/** The most bytes that the request may bring. @throws {Problem} Content-Length says that it is too large */
export function expectedBytes(request: FastifyRequest, limits: BodyLimits): number {
  const limit = request.isMultipart() ? limits.requestBytes : limits.imageBytes;
  const declared = request.headers['content-length'];
  if (declared === undefined) return limit;
  // What frames a form is not counted against the images in it.
  const framing = request.isMultipart() ? limits.images * 1024 : 0;
  if (Number(declared) > limit + framing) throw tooLarge('body', limit);
  return Math.min(Number(declared), limit);
}

async function collectImage(stream: Readable, field: string, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let recognised = false;
  // Left early, the stream must not take its connection with it: the refusal goes over that.
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > limit) throw tooLarge(field, limit);
    if (!recognised && bytes >= SIGNATURE_BYTES) {
      if (imageKind(chunks.length === 1 ? chunk : Buffer.concat(chunks)) === undefined) throw notAnImage(field);
      recognised = true;
    }
  }
  if (bytes === 0) throw empty(field, 'there is no content');
  if (!recognised) throw notAnImage(field);
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes);
}

function tooLarge(field: string, limit: number): Problem {
  const detail = `more than ${limit} bytes`;
  return new Problem('payload-too-large', `${field}: ${detail} are not accepted.`, {
    members: { limit, errors: [{ field, detail }] },
  });
}

export function notAnImage(field: string, detail = 'the content is none of the accepted kinds of image'): Problem {
  return new Problem('invalid-image', `${field}: ${detail}.`, {
    members: { accepted: ACCEPTED_IMAGES, errors: [{ field, detail }] },
  });
}

function empty(field: string, detail: string): Problem {
  return new Problem('invalid-request', `${field}: ${detail}.`, { members: { errors: [{ field, detail }] } });
}

function shorten(name: string): string {
  return name.slice(0, MAX_NAME);
}
