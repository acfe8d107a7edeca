/** From the state of a transaction to what its summary says. The same facts give the same bytes, whatever order they came in. */
import {
  type ImageSummary,
  Outcome,
  type ServiceOutcome,
  Status,
  type TransactionSummary,
} from '../../protocol/generated/summary/v1m0/summary_pb.js';
import { distinctBarcodes } from './merge/barcodes.ts';
import { crossCheck } from './merge/cross-check.ts';
import { matchFaces } from './merge/faces.ts';
import { scenesOf } from './merge/scenes.ts';
import { seenImage } from './merge/seen-image.ts';
import { mergeText } from './merge/text.ts';
import { durationOf, type TimedOutcome, timingOf } from './merge/timing.ts';
import type { ImageState, Marker, TransactionState } from './transaction-state.ts';

const OUTCOMES = { completed: Outcome.COMPLETED, failed: Outcome.FAILED, missing: Outcome.MISSING } as const;

/** @returns the summary with revision 0 */
export function summarise(state: TransactionState, status: 'complete' | 'partial'): TransactionSummary {
  const accepted = [...state.images.values()]
    .filter((image) => image.accepted !== undefined)
    .sort((a, b) => (a.imageId < b.imageId ? -1 : 1));
  const images = accepted.map(seenImage);
  const scenes = scenesOf(images);
  const framesOfScenes = [...Map.groupBy(images.keys(), (n) => scenes[n]!).values()].map((frames) =>
    frames.map((n) => images[n]!),
  );
  const text = mergeText(framesOfScenes);
  const barcodes = distinctBarcodes(images);
  const outcomes = accepted.map(outcomesOf);
  return {
    revision: 0,
    status: status === 'complete' ? Status.COMPLETE : Status.PARTIAL,
    images: accepted.map(({ imageId, accepted: image }, n): ImageSummary => {
      return { imageId, name: image!.name, services: outcomes[n]!.map(toServiceOutcome), scene: scenes[n]! };
    }),
    faces: matchFaces(framesOfScenes),
    text,
    barcodes,
    crossChecks: crossCheck(barcodes, text),
    services: timingOf(outcomes.flat().map(({ timed }) => timed)),
  };
}

interface OutcomeOfService {
  readonly timed: TimedOutcome;
  readonly marker: Marker | undefined;
}

/** One outcome for each service that was granted or has spoken. */
function outcomesOf(image: ImageState): OutcomeOfService[] {
  const spoken = Map.groupBy(
    [...image.markers].sort(([a], [b]) => (a < b ? -1 : 1)),
    ([, { service }]) => service,
  );
  const services = new Set([...image.accepted!.services, ...spoken.keys()]);
  return [...services].sort().map((service) => {
    const markers = (spoken.get(service) ?? []).map(([, marker]) => marker);
    // Where two versions of a service spoke, one that completed tells more than one that failed.
    const marker = markers.find(({ kind }) => kind === 'completed') ?? markers[0];
    const completed = marker?.kind === 'completed' ? marker : undefined;
    return {
      marker,
      timed: {
        service,
        outcome: marker?.kind ?? 'missing',
        results: completed?.results ?? 0,
        durationMs: completed?.durationMs ?? 0,
      },
    };
  });
}

function toServiceOutcome({ timed, marker }: OutcomeOfService): ServiceOutcome {
  const outcome = { service: timed.service, outcome: OUTCOMES[timed.outcome], results: timed.results };
  if (marker?.kind === 'completed') return { ...outcome, duration: durationOf(timed.durationMs) };
  if (marker?.kind !== 'failed') return outcome;
  const { type, title, detail } = marker.failed;
  return { ...outcome, failure: { type, title, detail } };
}
