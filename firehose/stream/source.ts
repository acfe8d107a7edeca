/**
 * Where a stream's messages come from: one client's journal, seen through what the request wants of it.
 *
 * Every call is one bounded read that ends at a position; nothing is held in between. What can be decided by index is
 * decided in SQLite; the rest, by entry, here.
 */
import type { EntryFilter, JournalEntry } from '../../journal/entry.ts';
import type { JournalReader } from '../../journal/reader.ts';
import type { Range, Retired, Selection } from '../../journal/reading.ts';

export interface Step {
  readonly kind: 'step';
  /** Whole NDJSON frames, in order. They are the caller's: nobody else looks at them. */
  readonly frames: readonly Buffer[];
  readonly messages: number;
  readonly bytes: number;
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

export type EntryPredicate = (entry: JournalEntry) => boolean;

/** Entries looked at one by one in a step: bounds how long others wait. */
const MAX_ENTRIES = 256;

/**
 * @param reader asked at each step: the journals may be opened anew meanwhile
 * @param filter decided by index; undefined where every message is wanted
 * @param predicate decided by entry, after the filter
 */
export function journalSource(
  reader: () => JournalReader,
  client: string,
  filter: EntryFilter | undefined,
  predicate: EntryPredicate | undefined,
): Source {
  return {
    everything: filter === undefined && predicate === undefined,
    next(after, { bytes, messages, until }) {
      const request = { client, after, maxBytes: bytes, ...(until !== undefined && { until }) };
      if (predicate === undefined && messages === undefined) {
        return rangeStep(filter === undefined ? reader().read(request) : reader().select({ ...request, filter }));
      }
      const maxCount = predicate === undefined ? messages! : Math.min(messages ?? MAX_ENTRIES, MAX_ENTRIES);
      const found = reader().entries({ ...request, maxCount, ...(filter !== undefined && { filter }) });
      if (found.kind === 'retired') return found;
      const entries = predicate === undefined ? found.entries : found.entries.filter(predicate);
      const frames = joined(entries.map(({ frame }) => frame));
      return {
        kind: 'step',
        frames,
        messages: entries.length,
        bytes: frames[0]?.length ?? 0,
        position: found.scanned,
        skipped: found.skipped + found.entries.length - entries.length,
        end: found.end,
      };
    },
  };
}

function rangeStep(found: Range | Selection | Retired): Step | Retired {
  if (found.kind === 'retired') return found;
  const { scanned, skipped } = 'scanned' in found ? found : { scanned: found.last, skipped: 0 };
  const { chunks: frames, count: messages, bytes, end } = found;
  return { kind: 'step', frames, messages, bytes, position: scanned, skipped, end };
}

function joined(frames: readonly Buffer[]): readonly Buffer[] {
  return frames.length === 0 ? [] : [Buffer.concat(frames)];
}
