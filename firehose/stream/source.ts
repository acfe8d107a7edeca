/**
 * Where a stream's messages come from: one client's journal, seen through what the request wants of it.
 *
 * Every call is one bounded read that ends at a position; nothing is held in between.
 */
import type { EntryFilter } from '../../journal/entry.ts';
import type { JournalReader, Range, Retired, Selection } from '../../journal/reader.ts';

export interface Step {
  readonly kind: 'step';
  /** Whole NDJSON frames, in order. */
  readonly frames: readonly Buffer[];
  readonly messages: number;
  /** Everything up to here has been looked at. */
  readonly position: number;
  /** Messages up to there that are not wanted. */
  readonly skipped: number;
  /** Nothing lies past `position` now. */
  readonly end: boolean;
}

export interface StepLimits {
  readonly bytes: number;
  /** undefined: as many as fit into the bytes. */
  readonly messages: number | undefined;
  /** Last offset wanted. */
  readonly until: number | undefined;
}

export interface Source {
  /** Every message is wanted as it is: what was just appended may be passed on without asking. */
  readonly everything: boolean;
  next(after: number, limits: StepLimits): Step | Retired;
}

type ReaderOf = () => JournalReader;

/** @param filter undefined where every message is wanted */
export function journalSource(reader: ReaderOf, client: string, filter: EntryFilter | undefined): Source {
  return {
    everything: filter === undefined,
    next(after, { bytes, messages, until }) {
      const request = { client, after, maxBytes: bytes, ...(until !== undefined && { until }) };
      if (messages !== undefined) {
        const found = reader().entries({ ...request, maxCount: messages, ...(filter !== undefined && { filter }) });
        if (found.kind === 'retired') return found;
        return stepOf(found, joined(found.entries.map(({ frame }) => frame)), found.scanned, found.skipped);
      }
      const found = filter === undefined ? reader().read(request) : reader().select({ ...request, filter });
      if (found.kind === 'retired') return found;
      const { scanned, skipped } = isSelection(found) ? found : { scanned: found.last, skipped: 0 };
      return stepOf(found, found.chunks, scanned, skipped);
    },
  };
}

function stepOf(
  found: { readonly count: number; readonly end: boolean },
  frames: readonly Buffer[],
  position: number,
  skipped: number,
): Step {
  return { kind: 'step', frames, messages: found.count, position, skipped, end: found.end };
}

function isSelection(found: Range | Selection): found is Selection {
  return 'scanned' in found;
}

export function joined(frames: readonly Buffer[]): readonly Buffer[] {
  return frames.length < 2 ? frames : [Buffer.concat(frames)];
}
