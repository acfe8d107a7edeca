/**
 * The state of one transaction, as a function of the facts about it.
 *
 * `fold` is a merge into a growing set: folding the same facts in any order, any number of times, gives the same state
 * (the laws are tested). `decide` looks at a state and a moment of stream time and says whether a summary is owed:
 *
 *              every image settled, none announced            a fact that changes the content
 *   Incomplete ────────────────────────────────▶ Complete ◀──────────────┐  (a revised summary)
 *        │                                           ▲ └──────────────────┘
 *        └──────────deadline──────────▶ Partial ─────┘ every image settled
 *
 * No clock and no I/O in here.
 */
import type { Barcode } from '../../protocol/generated/barcode/v1m0/barcode_pb.js';
import type { ServiceFailed } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import type { ExtractedFace } from '../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import type { ImageAccepted } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import type { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { Fact, Said } from './fact.ts';

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

export interface DecisionRules {
  /** Time after the last accepted image at which a transaction without a deadline of its own is summed up. undefined: never. */
  readonly defaultDeadlineMs: number | undefined;
  /** Stream time between two summaries of a transaction, at least: what comes meanwhile is in the next. */
  readonly revisionIntervalMs: number;
}

export type Decision =
  | { readonly kind: 'give'; readonly status: 'complete' | 'partial' }
  /** `due`: the moment of stream time at which to ask again even if no fact comes. */
  | { readonly kind: 'wait'; readonly due: number | undefined };

/** What is said about one image. */
type AboutImage = Exclude<Said, { kind: 'opened' | 'closed' | 'summary' | 'notice' }>;

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

/**
 * Takes a fact in.
 * @returns false where it was in already: nothing has changed
 */
export function fold(state: TransactionState, fact: Fact): boolean {
  const { messageId } = fact.event;
  if (state.seen.has(messageId)) return false;
  state.seen.add(messageId);
  if (fact.said.kind === 'notice') return true;
  if (fact.said.kind === 'summary') return foldSummary(state, fact, fact.said);
  state.lastTime = Math.max(state.lastTime, fact.time);
  state.changed = true;
  if (fact.said.kind === 'opened' || fact.said.kind === 'closed') foldTerms(state, fact, fact.said);
  else foldImage(state, fact, fact.said);
  return true;
}

/** A summary that this service gave in an earlier life, or that came back to it: the count goes on from there. */
function foldSummary(state: TransactionState, fact: Fact, said: Extract<Said, { kind: 'summary' }>): boolean {
  const { revision, digest } = said;
  const before = state.given;
  if (before !== undefined && before.revision >= revision) return true;
  state.given = { revision, digest, at: fact.time };
  // Whether it covers all facts that are here is found out by comparing digests.
  state.changed = true;
  return true;
}

function foldTerms(state: TransactionState, fact: Fact, said: Extract<Said, { kind: 'opened' | 'closed' }>): void {
  const { time } = fact;
  const id = fact.event.messageId;
  if (said.kind === 'opened') state.terms = { ...state.terms, opened: later(state.terms.opened, { time, id, said }) };
  else state.terms = { ...state.terms, closed: later(state.terms.closed, { time, id, said }) };
  foldBearer(state, fact);
}

function foldBearer(state: TransactionState, fact: Fact): void {
  if (!fact.granted) return;
  const { messageId: id, token, traceparent } = fact.event;
  state.bearer = later(state.bearer, { time: fact.time, id, token, traceparent });
}

function later<T extends { time: number; id: string }>(a: T | undefined, b: T): T {
  if (a === undefined || b.time > a.time) return b;
  return b.time === a.time && b.id > a.id ? b : a;
}

function foldImage(state: TransactionState, fact: Fact, said: AboutImage): void {
  const image = imageIn(state, imageIdOf(said));
  const wasUnsettled = image.accepted !== undefined && !isSettled(image);
  switch (said.kind) {
    case 'accepted':
      if (image.accepted !== undefined) break;
      image.accepted = said.image;
      state.accepted += 1;
      state.lastAccepted = Math.max(state.lastAccepted ?? 0, fact.time);
      foldBearer(state, fact);
      break;
    case 'completed':
    case 'failed':
      foldMarker(image, said);
      break;
    case 'face':
      image.faces.push(said.face);
      break;
    case 'text':
      image.lines.push(said.line);
      break;
    case 'barcode':
      image.codes.push(said.code);
      break;
    case 'other-result':
      break;
  }
  if (isResult(said)) image.received += 1;
  const isUnsettled = image.accepted !== undefined && !isSettled(image);
  state.unsettled += Number(isUnsettled) - Number(wasUnsettled);
}

function foldMarker(image: ImageState, said: Extract<Said, { kind: 'completed' | 'failed' }>): void {
  const { service, version } = said.marker;
  const key = `${service}/${version}`;
  if (said.kind === 'completed')
    image.markers.set(key, { kind: 'completed', service, results: said.marker.results, durationMs: said.durationMs });
  // A record that failed and was replayed later completes: completion counts, whichever comes first.
  else if (!image.markers.has(key)) image.markers.set(key, { kind: 'failed', service, failed: said.marker });
}

function isResult(said: AboutImage): boolean {
  return said.kind === 'face' || said.kind === 'text' || said.kind === 'barcode' || said.kind === 'other-result';
}

function imageIdOf(said: AboutImage): string {
  switch (said.kind) {
    case 'accepted':
      return said.image.imageId;
    case 'completed':
    case 'failed':
      return said.marker.imageId;
    default:
      return said.imageId;
  }
}

function imageIn(state: TransactionState, imageId: string): ImageState {
  const known = state.images.get(imageId);
  if (known !== undefined) return known;
  const image: ImageState = {
    imageId,
    accepted: undefined,
    markers: new Map(),
    faces: [],
    lines: [],
    codes: [],
    received: 0,
  };
  state.images.set(imageId, image);
  return image;
}

/** Every service has spoken, and every result that was announced is here: markers may overtake results. */
function isSettled(image: ImageState): boolean {
  const markers = [...image.markers.values()];
  const announced = markers.reduce((sum, marker) => sum + (marker.kind === 'completed' ? marker.results : 0), 0);
  const spoken = new Set(markers.map(({ service }) => service));
  return image.received >= announced && (image.accepted?.services ?? []).every((service) => spoken.has(service));
}

export function decide(state: TransactionState, streamTime: number, rules: DecisionRules): Decision {
  // Nobody who may have a summary has submitted anything.
  if (state.bearer === undefined) return { kind: 'wait', due: undefined };
  const deadline = deadlineOf(state, rules);
  const status = isComplete(state)
    ? 'complete'
    : deadline !== undefined && streamTime >= deadline
      ? 'partial'
      : undefined;
  if (status === undefined) return { kind: 'wait', due: deadline };
  if (!state.changed) return { kind: 'wait', due: undefined };
  const notBefore = state.given === undefined ? 0 : state.given.at + rules.revisionIntervalMs;
  return streamTime >= notBefore ? { kind: 'give', status } : { kind: 'wait', due: notBefore };
}

/** The moment of event time after which a summary is given with what there is. */
export function deadlineOf(state: TransactionState, rules: DecisionRules): number | undefined {
  const own = state.terms.opened?.said.deadline;
  if (own !== undefined) return own;
  if (rules.defaultDeadlineMs === undefined || state.lastAccepted === undefined) return undefined;
  return state.lastAccepted + rules.defaultDeadlineMs;
}

function isComplete(state: TransactionState): boolean {
  return state.accepted > 0 && state.unsettled === 0 && allThere(state);
}

/** Whether all images that the client announced have been accepted. */
function allThere(state: TransactionState): boolean {
  const { opened, closed } = state.terms;
  const expected = closed?.said.expectedImages || opened?.said.expectedImages || 0;
  if (expected > 0) return state.accepted >= expected;
  // Opened without a number: the client will close it. Never opened: what was accepted so far is all there is.
  return closed !== undefined || opened === undefined;
}
