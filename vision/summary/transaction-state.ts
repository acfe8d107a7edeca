/** What is known of one transaction. fold.ts makes it from facts; decide.ts says when a summary of it is owed. */
import type { Barcode } from '../../protocol/generated/barcode/v1m0/barcode_pb.js';
import type { ServiceFailed } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import type { ExtractedFace } from '../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import type { ImageAccepted } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import type { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';

export interface TransactionState {
  readonly client: string;
  readonly transaction: string;
  /** Message ids of the facts that are in here. */
  readonly seen: Set<string>;
  readonly images: Map<string, ImageState>;
  terms: Terms;
  /** The submission whose token and trace the summary carries: the latest that grants it. */
  bearer: Bearer | undefined;
  /** Latest event time of any fact. */
  lastTime: number;
  /** Latest event time of an accepted image. */
  lastAccepted: number | undefined;
  /** Accepted images that are not settled. */
  unsettled: number;
  accepted: number;
  /** The latest summary, if one was given. */
  given: Given | undefined;
  /** Whether a fact came since that summary. */
  changed: boolean;
}

export interface ImageState {
  readonly imageId: string;
  accepted: ImageAccepted | undefined;
  /** What each service said last, by `<name>/<version>`. */
  readonly markers: Map<string, Marker>;
  readonly faces: ExtractedFace[];
  readonly lines: TextLine[];
  readonly codes: Barcode[];
  /** Results that came, of whatever type. */
  received: number;
}

export type Marker =
  | { readonly kind: 'completed'; readonly service: string; readonly results: number; readonly durationMs: number }
  | { readonly kind: 'failed'; readonly service: string; readonly failed: ServiceFailed };

/** What the client said about the transaction: the latest word on each, by event time. */
interface Terms {
  readonly opened: Term<{ expectedImages: number; deadline: number | undefined }> | undefined;
  readonly closed: Term<{ expectedImages: number }> | undefined;
}

interface Term<T> {
  readonly time: number;
  readonly id: string;
  readonly said: T;
}

interface Bearer {
  readonly time: number;
  readonly id: string;
  readonly token: string;
  readonly traceparent: string;
}

export interface Given {
  readonly revision: number;
  readonly digest: string;
  /** Stream time, ms. */
  readonly at: number;
}

export function emptyState(client: string, transaction: string): TransactionState {
  return {
    client,
    transaction,
    seen: new Set(),
    images: new Map(),
    terms: { opened: undefined, closed: undefined },
    bearer: undefined,
    lastTime: 0,
    lastAccepted: undefined,
    unsettled: 0,
    accepted: 0,
    given: undefined,
    changed: false,
  };
}
