/** From a record of ingest-1 to a piece of work for one service: decode, check the token, find the grant. */
import type { BlobStore } from '../../protocol/blob/blob-store.ts';
import { findGrant } from '../../protocol/claims/grant.ts';
import { type Claims, TokenError } from '../../protocol/claims/token.ts';
import type { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { EnvelopeError, type Event, payloadOf, unpackEvent } from '../../protocol/envelope.ts';
import { IngestedImage } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import type { LogRecord } from '../../protocol/log/log.ts';
import type { ServiceConfig } from '../services/service.ts';
import { type ServiceIdentity, versionOf } from './service-identity.ts';

/** An image that this service is to describe. */
export interface Task {
  readonly event: Event;
  readonly imageId: string;
  /** Size of the encoded image in bytes. */
  readonly size: number;
  /**
   * The encoded image, from the record or the blob store.
   * @throws {BlobMissingError} @throws {BlobDamagedError} @throws {BlobUnavailableError}
   */
  readonly load: () => Promise<Uint8Array>;
  /** What the token says to this service. */
  readonly config: ServiceConfig;
}

/** The record will never make sense: it is not what it should be, or its token was not made here. */
export class PoisonedRecord extends Error {
  override readonly name = 'PoisonedRecord';
}

/**
 * @returns undefined where the token does not grant the service: then the image is none of its business
 * @throws {PoisonedRecord}
 */
export async function readTask(
  record: LogRecord,
  service: ServiceIdentity,
  verifier: TokenVerifier,
  blobs: BlobStore,
): Promise<Task | undefined> {
  const { event, image } = decode(record);
  const claims = await verified(event, verifier);
  if (claims.client !== event.client) throw new PoisonedRecord('the token belongs to another client than the message');
  const config = findGrant(claims.grants, service.name, versionOf(service));
  if (config === undefined) return undefined;
  return { event, imageId: image.imageId, ...contentOf(image, blobs), config };
}

function decode(record: LogRecord): { event: Event; image: IngestedImage } {
  try {
    const event = unpackEvent(record.value);
    return { event, image: payloadOf(event, IngestedImage) };
  } catch (error) {
    if (error instanceof EnvelopeError) throw new PoisonedRecord(error.message, { cause: error });
    throw error;
  }
}

async function verified(event: Event, verifier: TokenVerifier): Promise<Claims> {
  try {
    // By the time of the submission: work that was accepted in time is done however long it waited.
    return await verifier.verify(event.token, event.eventTime);
  } catch (error) {
    if (error instanceof TokenError) throw new PoisonedRecord(error.message, { cause: error });
    throw error;
  }
}

function contentOf({ content, sha256 }: IngestedImage, blobs: BlobStore): Pick<Task, 'size' | 'load'> {
  switch (content.oneofKind) {
    case 'inline':
      return { size: content.inline.byteLength, load: async () => content.inline };
    case 'blob': {
      const { store, size } = content.blob;
      return { size, load: () => blobs.get(sha256, store) };
    }
    default:
      throw new PoisonedRecord('the message holds no image');
  }
}
