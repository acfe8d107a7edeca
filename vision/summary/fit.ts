/** Cuts a summary down until it fits into a message. What is left out is counted in it. */
import { TransactionSummary } from '../../protocol/generated/summary/v1m0/summary_pb.js';

interface Limits {
  readonly entries: number;
  readonly sightings: number;
}

/**
 * Keeps the first entries of every list, halving how many until the encoding is at most `maxBytes`.
 *
 * The counts of `services` are of all images, whatever is left out of the lists.
 */
export function fitted(summary: TransactionSummary, maxBytes: number): TransactionSummary {
  let fitting = summary;
  for (let entries = 4096; TransactionSummary.toBinary(fitting).byteLength > maxBytes && entries >= 1; entries /= 2)
    fitting = cut(summary, { entries, sightings: Math.max(1, Math.ceil(entries / 64)) });
  return fitting;
}

function cut(summary: TransactionSummary, limits: Limits): TransactionSummary {
  const images = summary.images.slice(0, limits.entries);
  const faces = shortened(summary.faces.slice(0, limits.entries), limits);
  const text = shortened(summary.text.slice(0, limits.entries), limits).map((line) => {
    return { ...line, alternatives: line.alternatives.slice(0, limits.sightings) };
  });
  const barcodes = shortened(summary.barcodes.slice(0, limits.entries), limits);
  // Evidence names entries of `text` and `barcodes`: it goes with them.
  const crossChecks = summary.crossChecks
    .filter(({ barcode }) => barcode < barcodes.length)
    .map((check) => ({ ...check, evidence: check.evidence.filter(({ text: index }) => index < text.length) }));
  return {
    ...summary,
    images,
    faces,
    text,
    barcodes,
    crossChecks,
    omitted: {
      images: summary.images.length - images.length,
      faces: summary.faces.length - faces.length,
      text: summary.text.length - text.length,
      barcodes: summary.barcodes.length - barcodes.length,
      crossChecks: summary.crossChecks.length - crossChecks.length,
      sightings: sightingsIn(summary) - sightingsIn({ ...summary, faces, text, barcodes }),
    },
  };
}

function shortened<Entry extends { sightings: unknown[] }>(entries: readonly Entry[], limits: Limits): Entry[] {
  return entries.map((entry) => ({ ...entry, sightings: entry.sightings.slice(0, limits.sightings) }));
}

function sightingsIn({ faces, text, barcodes }: TransactionSummary): number {
  return [...faces, ...text, ...barcodes].reduce((sum, { sightings }) => sum + sightings.length, 0);
}
