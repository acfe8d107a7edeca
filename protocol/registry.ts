/**
 * Every event type that may be the payload of an Envelope, by full name.
 *
 * A service of a later release may send types that are not here: readers pass those on undecoded (see payloadJson).
 */
import type { MessageType } from '@protobuf-ts/runtime';
import { Barcode } from './generated/barcode/v1m0/barcode_pb.js';
import { ServiceCompleted, ServiceFailed } from './generated/completion/v1m0/completion_pb.js';
import { DeadLetter } from './generated/deadletter/v1m0/deadletter_pb.js';
import { ExtractedDocument } from './generated/document/v1m0/document_pb.js';
import { ExtractedDocument as ExtractedDocument1m1 } from './generated/document/v1m1/document_pb.js';
import { ExtractedFace } from './generated/faceextract/v1m0/faceextract_pb.js';
import {
  ImageAccepted,
  IngestedImage,
  TransactionClosed,
  TransactionOpened,
} from './generated/ingest/v1m0/ingest_pb.js';
import { TextLine } from './generated/ocr/v1m0/ocr_pb.js';
import {
  DeliveryFailed,
  WebhookDisabled,
  WebhookGap,
  WebhookParked,
  WebhookResumed,
} from './generated/push/v1m0/push_pb.js';
import { TransactionSummary } from './generated/summary/v1m0/summary_pb.js';

// biome-ignore lint/suspicious/noExplicitAny: MessageType is invariant in its message; the registry holds all of them.
export type AnyMessageType = MessageType<any>;

export const EVENT_TYPES: readonly AnyMessageType[] = [
  IngestedImage,
  ImageAccepted,
  TransactionOpened,
  TransactionClosed,
  ExtractedFace,
  TextLine,
  Barcode,
  ExtractedDocument,
  ExtractedDocument1m1,
  ServiceCompleted,
  ServiceFailed,
  TransactionSummary,
  WebhookParked,
  WebhookResumed,
  WebhookDisabled,
  WebhookGap,
  DeliveryFailed,
  DeadLetter,
];

const byName = new Map(EVENT_TYPES.map((type) => [type.typeName, type]));

export function eventType(name: string): AnyMessageType | undefined {
  return byName.get(name);
}
