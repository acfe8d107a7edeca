/**
 * The state of a transaction, folded from its messages in order: a pure state machine.
 *
 *   open ──(TransactionClosed, or as many images as announced)──▶ closed ──(every service done)──▶ complete
 *
 * An image is done when every service that its acceptance names has completed or failed on it.
 */

export interface TransactionMessage {
  readonly offset: number;
  /** RFC 3339. */
  readonly time: string;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of any event type
  readonly payload: any;
}

export interface ServiceState {
  readonly state: 'pending' | 'completed' | 'failed';
  /** Results seen so far. */
  readonly results: number;
  readonly problem?: { readonly type: string; readonly title: string; readonly detail: string };
}

export interface ImageState {
  readonly image: string;
  readonly name: string;
  readonly accepted_at: string;
  readonly media_type: string;
  readonly width: number;
  readonly height: number;
  readonly size: number;
  readonly services: Readonly<Record<string, ServiceState>>;
}

export interface TransactionState {
  readonly transaction: string;
  readonly state: 'open' | 'closed' | 'complete';
  readonly first_offset: number;
  readonly last_offset: number;
  readonly updated_at: string;
  readonly messages: number;
  /** Announced by the client, null where it said nothing. */
  readonly expected_images: number | null;
  readonly deadline: string | null;
  readonly images: readonly ImageState[];
  /** Payload of the latest summary.v1m0.TransactionSummary, null before the first. */
  readonly summary: unknown;
}

interface Draft {
  closed: boolean;
  expected: number | null;
  deadline: string | null;
  summary: unknown;
  readonly images: Map<string, { accepted: Omit<ImageState, 'services'>; services: Map<string, ServiceState> }>;
}

const PENDING: ServiceState = { state: 'pending', results: 0 };

/** @param messages those of one transaction, in order, at least one */
export function foldTransaction(transaction: string, messages: Iterable<TransactionMessage>): TransactionState {
  const draft: Draft = { closed: false, expected: null, deadline: null, summary: null, images: new Map() };
  let first: TransactionMessage | undefined;
  let last: TransactionMessage | undefined;
  let count = 0;
  for (const message of messages) {
    first ??= message;
    last = message;
    count++;
    apply(draft, message);
  }
  return {
    transaction,
    state: stateOf(draft),
    first_offset: first?.offset ?? -1,
    last_offset: last?.offset ?? -1,
    updated_at: last?.time ?? '',
    messages: count,
    expected_images: draft.expected,
    deadline: draft.deadline,
    images: [...draft.images.values()].map(({ accepted, services }) => ({
      ...accepted,
      services: Object.fromEntries(services),
    })),
    summary: draft.summary,
  };
}

function apply(draft: Draft, { type, time, payload }: TransactionMessage): void {
  switch (type) {
    case 'ingest.v1m0.TransactionOpened':
      draft.expected = payload.expectedImages || null;
      draft.deadline = payload.deadline ?? null;
      break;
    case 'ingest.v1m0.TransactionClosed':
      draft.closed = true;
      draft.expected = payload.expectedImages || draft.expected;
      break;
    case 'ingest.v1m0.ImageAccepted':
      accept(draft, time, payload);
      break;
    case 'completion.v1m0.ServiceCompleted':
      put(draft, payload.imageId, payload.service, (before) => ({
        state: 'completed',
        results: payload.results ?? before.results,
      }));
      break;
    case 'completion.v1m0.ServiceFailed':
      put(draft, payload.imageId, payload.service, ({ results }) => ({
        state: 'failed',
        results,
        problem: { type: payload.type, title: payload.title, detail: payload.detail },
      }));
      break;
    case 'summary.v1m0.TransactionSummary':
      draft.summary = payload;
      break;
    default:
      // A result: its package is named after its service (faceextract.v1m0.ExtractedFace).
      if (typeof payload?.imageId === 'string') {
        put(draft, payload.imageId, type.slice(0, type.indexOf('.')), (before) =>
          before.state === 'pending' ? { ...before, results: before.results + 1 } : before,
        );
      }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the JSON of an ImageAccepted
function accept(draft: Draft, time: string, payload: any): void {
  const { imageId, name = '', mediaType, width, height, size, services = [] } = payload;
  const known = draft.images.get(imageId)?.services;
  const granted = (services as string[]).map((service) => [service, known?.get(service) ?? PENDING] as const);
  draft.images.set(imageId, {
    accepted: { image: imageId, name, accepted_at: time, media_type: mediaType, width, height, size },
    services: new Map(granted),
  });
}

/** Of an image whose acceptance has been retired nothing else is known: it is left out. */
function put(draft: Draft, image: string, service: string, change: (before: ServiceState) => ServiceState): void {
  const services = draft.images.get(image)?.services;
  if (services !== undefined) services.set(service, change(services.get(service) ?? PENDING));
}

function stateOf({ closed, expected, images }: Draft): TransactionState['state'] {
  const all = [...images.values()];
  if (!closed && (expected === null || images.size < expected)) return 'open';
  const done = all.every(({ services }) => [...services.values()].every(({ state }) => state !== 'pending'));
  const enough = expected === null || images.size >= expected;
  return done && enough ? 'complete' : 'closed';
}
