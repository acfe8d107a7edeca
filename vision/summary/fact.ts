/** Facts: what the records of results-1 say about transactions, decoded once and independent of the order they come in. */
import { createHash } from 'node:crypto';
import { BinaryReader, WireType } from '@protobuf-ts/runtime';
import { findGrant } from '../../protocol/claims/grant.ts';
import { TokenError } from '../../protocol/claims/token.ts';
import type { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { EnvelopeError, type Event, payloadOf, unpackEvent } from '../../protocol/envelope.ts';
import { Barcode } from '../../protocol/generated/barcode/v1m0/barcode_pb.js';
import { ServiceCompleted, ServiceFailed } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { ExtractedFace } from '../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import type { Duration } from '../../protocol/generated/google/protobuf/duration_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { ImageAccepted, TransactionClosed, TransactionOpened } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { TransactionSummary } from '../../protocol/generated/summary/v1m0/summary_pb.js';
import type { LogRecord } from '../../protocol/log/log.ts';
import { isUuid } from '../../protocol/message-id.ts';
import { type AnyMessageType, eventType } from '../../protocol/registry.ts';

export const SUMMARY_SERVICE = 'summary';
export const SUMMARY_VERSION = { major: 1, minor: 0 };

/** One event of a transaction with what the summary needs to know of it. */
export interface Fact {
  readonly event: Event;
  /** Event time, but never later than when the log took the record: a clock that runs ahead must not move deadlines. */
  readonly time: number;
  /** Whether the event's token grants the summary. */
  readonly granted: boolean;
  readonly said: Said;
}

export type Said =
  | { readonly kind: 'accepted'; readonly image: ImageAccepted }
  | { readonly kind: 'opened'; readonly expectedImages: number; readonly deadline: number | undefined }
  | { readonly kind: 'closed'; readonly expectedImages: number }
  | { readonly kind: 'face'; readonly imageId: string; readonly face: ExtractedFace }
  | { readonly kind: 'text'; readonly imageId: string; readonly line: TextLine }
  | { readonly kind: 'barcode'; readonly imageId: string; readonly code: Barcode }
  /** A result of a type that the summary has no use for: it only counts. */
  | { readonly kind: 'other-result'; readonly imageId: string }
  | { readonly kind: 'completed'; readonly marker: ServiceCompleted; readonly durationMs: number }
  | { readonly kind: 'failed'; readonly marker: ServiceFailed }
  /** Something else, which the summary is not about. */
  | { readonly kind: 'notice' }
  | { readonly kind: 'summary'; readonly revision: number; readonly digest: string };

/** The record is not an event of the client under whose key it lies. The journaler sets such records aside; here they are passed over. */
export class UnsoundRecord extends Error {
  override readonly name = 'UnsoundRecord';
}

/** @throws {UnsoundRecord} */
export async function readFact(record: LogRecord, verifier: TokenVerifier): Promise<Fact> {
  try {
    const event = unpackEvent(record.value);
    const claims = await verifier.authentic(event.token);
    if (claims.client !== event.client || event.client !== record.key)
      throw new UnsoundRecord('the token belongs to another client than the record');
    const granted = findGrant(claims.grants, SUMMARY_SERVICE, SUMMARY_VERSION) !== undefined;
    return { event, time: Math.min(event.eventTime, record.timestamp), granted, said: saidBy(event) };
  } catch (cause) {
    if (cause instanceof EnvelopeError || cause instanceof TokenError)
      throw new UnsoundRecord(cause.message, { cause });
    throw cause;
  }
}

/** @throws {EnvelopeError} */
export function saidBy(event: Event): Said {
  switch (event.type) {
    case ImageAccepted.typeName:
      return { kind: 'accepted', image: payloadOf(event, ImageAccepted) };
    case TransactionOpened.typeName: {
      const { expectedImages, deadline } = payloadOf(event, TransactionOpened);
      return {
        kind: 'opened',
        expectedImages,
        deadline: deadline === undefined ? undefined : Timestamp.toDate(deadline).getTime(),
      };
    }
    case TransactionClosed.typeName:
      return { kind: 'closed', expectedImages: payloadOf(event, TransactionClosed).expectedImages };
    case ExtractedFace.typeName: {
      const face = payloadOf(event, ExtractedFace);
      return { kind: 'face', imageId: face.imageId, face };
    }
    case TextLine.typeName: {
      const line = payloadOf(event, TextLine);
      return { kind: 'text', imageId: line.imageId, line };
    }
    case Barcode.typeName: {
      const code = payloadOf(event, Barcode);
      return { kind: 'barcode', imageId: code.imageId, code };
    }
    case ServiceCompleted.typeName: {
      const marker = payloadOf(event, ServiceCompleted);
      return { kind: 'completed', marker, durationMs: millisecondsOf(marker.duration) };
    }
    case ServiceFailed.typeName:
      return { kind: 'failed', marker: payloadOf(event, ServiceFailed) };
    case TransactionSummary.typeName: {
      const summary = payloadOf(event, TransactionSummary);
      return { kind: 'summary', revision: summary.revision, digest: digestOf(summary) };
    }
    default:
      return otherwise(event);
  }
}

/** Names what a summary says, whichever revision says it. */
export function digestOf(summary: TransactionSummary): string {
  return createHash('sha256')
    .update(TransactionSummary.toBinary({ ...summary, revision: 0 }))
    .digest('base64url');
}

/**
 * Results of types that the summary has no use for, or that this release does not know, count too: by convention the
 * first field of every result is `string image_id`, followed by `uint32 index`.
 */
function otherwise(event: Event): Said {
  const known = eventType(event.type);
  if (known !== undefined && !isResultType(known)) return { kind: 'notice' };
  const imageId = firstField(event);
  return isUuid(imageId) ? { kind: 'other-result', imageId } : { kind: 'notice' };
}

function isResultType({ fields }: AnyMessageType): boolean {
  return (
    fields.some(({ no, name }) => no === 1 && name === 'image_id') &&
    fields.some(({ no, name }) => no === 2 && name === 'index')
  );
}

/** The first field of a payload where that is a string; empty where not. */
function firstField(event: Event): string {
  try {
    const reader = new BinaryReader(event.payload);
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      if (number === 1 && wireType === WireType.LengthDelimited) return reader.string();
      reader.skip(wireType);
    }
    return '';
  } catch (cause) {
    throw new EnvelopeError(`the ${event.type} does not decode`, { cause });
  }
}

function millisecondsOf(duration: Duration | undefined): number {
  return duration === undefined ? 0 : duration.seconds * 1000 + duration.nanos / 1e6;
}
