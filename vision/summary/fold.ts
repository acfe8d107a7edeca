/**
 * Makes the state of a transaction from the facts about it.
 *
 * A merge into a growing set: folding the same facts in any order, any number of times, gives the same state (the laws are
 * tested). No clock and no I/O in here.
 */
import type { Fact, Said } from './fact.ts';
import type { ImageState, TransactionState } from './transaction-state.ts';

/** What is said about one image. */
type AboutImage = Exclude<Said, { kind: 'opened' | 'closed' | 'summary' | 'notice' }>;

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
