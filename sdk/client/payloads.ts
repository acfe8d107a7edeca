/** The JSON of each event type, derived from its protobuf message: what `payload` holds once its type is known. */
import type { Message } from '../../protocol/frames.ts';
import type { Barcode } from '../../protocol/generated/barcode/v1m0/barcode_pb.js';
import type { ServiceCompleted, ServiceFailed } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import type { ExtractedFace } from '../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import type { Duration } from '../../protocol/generated/google/protobuf/duration_pb.js';
import type { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import type {
  ImageAccepted,
  TransactionClosed,
  TransactionOpened,
} from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import type { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { TransactionSummary } from '../../protocol/generated/summary/v1m0/summary_pb.js';

/** Protobuf's canonical JSON mapping, as far as types can say it: times, durations and bytes are strings, enums their names. */
type JsonOf<Value> = Value extends Timestamp | Duration | Uint8Array
  ? string
  : Value extends number
    ? number extends Value
      ? number
      : string
    : Value extends readonly (infer Item)[]
      ? JsonOf<Item>[]
      : Value extends object
        ? { readonly [Key in keyof Value]: JsonOf<Value[Key]> | (undefined extends Value[Key] ? null : never) }
        : Value;

interface Payloads {
  'ingest.v1m0.ImageAccepted': ImageAccepted;
  'ingest.v1m0.TransactionOpened': TransactionOpened;
  'ingest.v1m0.TransactionClosed': TransactionClosed;
  'faceextract.v1m0.ExtractedFace': ExtractedFace;
  'ocr.v1m0.TextLine': TextLine;
  'barcode.v1m0.Barcode': Barcode;
  'completion.v1m0.ServiceCompleted': ServiceCompleted;
  'completion.v1m0.ServiceFailed': ServiceFailed;
  'summary.v1m0.TransactionSummary': TransactionSummary;
}

export type MessageOf<Type extends keyof Payloads> = Omit<Message, 'type' | 'payload'> & {
  readonly type: Type;
  readonly payload: JsonOf<Payloads[Type]>;
};

/** Narrows a message to its type: `if (isMessageOf(message, 'ocr.v1m0.TextLine')) message.payload.text …` */
export function isMessageOf<Type extends keyof Payloads>(message: Message, type: Type): message is MessageOf<Type> {
  return message.type === type;
}
