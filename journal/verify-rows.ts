/** The rows of one volume in the order in which verification walks them. */
import type Database from 'better-sqlite3';
import { OFFSET_OF, OFFSET_SPACE } from './volume-schema.ts';

export interface VerifiedEntry {
  /** Less the volume's base, as all offsets here but `prev`. */
  readonly offset: number;
  readonly prev: number;
  readonly ordinal: number;
  readonly time: number;
  /** Greatest time of the client up to the end of the entry's segment. */
  readonly highTime: number;
  readonly segment: number;
  readonly position: number;
  readonly length: number;
  readonly chain: Buffer;
}

export interface VerifiedSegment {
  readonly client: number;
  readonly last: number;
  readonly first: number;
  readonly count: number;
  readonly ordinal: number;
  readonly finish: number;
  readonly highTime: number;
  readonly crc: number;
  readonly data: Buffer;
  readonly entries: readonly VerifiedEntry[];
}

export interface VerifiedHead {
  readonly no: number;
  readonly name: string;
  readonly head: number;
  readonly count: number;
  readonly time: number;
  readonly bytes: number;
  readonly chain: Buffer;
}

/**
 * Segments by client and offset, each with the entries between the segment before it and its own end, wherever those say
 * that they belong; entries past the last segment come with an empty one of their own, so that none escapes.
 */
export function readVolume(database: Database.Database): {
  segments: Iterable<VerifiedSegment>;
  heads: Iterable<VerifiedHead>;
} {
  return {
    segments: segmentsOf(database),
    heads: database.prepare<[], VerifiedHead>('select no, name, head, count, time, bytes, chain from client').iterate(),
  };
}

function* segmentsOf(database: Database.Database): Generator<VerifiedSegment> {
  const client = `key / ${OFFSET_SPACE}`;
  const entries = database
    .prepare<[], VerifiedEntry & { client: number }>(
      `select ${client} as client, ${OFFSET_OF('key')} as offset, prev, ordinal, time, 0 as highTime, segment, position,
              length, chain from entry order by key`,
    )
    .iterate();
  let entry = entries.next();
  const upTo = (no: number, last: number, highTime: number): VerifiedEntry[] => {
    const found: VerifiedEntry[] = [];
    while (entry.done !== true) {
      const { value } = entry;
      if (value.client > no || (value.client === no && value.offset > last)) break;
      found.push({ ...value, highTime });
      entry = entries.next();
    }
    return found;
  };
  const segments = database
    .prepare<[], Omit<VerifiedSegment, 'entries'>>(
      `select client, ${OFFSET_OF('key')} as last, first, count, ordinal, finish, high_time as highTime, crc, data
       from segment order by key`,
    )
    .iterate();
  for (const segment of segments) yield { ...segment, entries: upTo(segment.client, segment.last, segment.highTime) };
  const rest = upTo(Number.POSITIVE_INFINITY, 0, 0);
  if (rest.length === 0) return;
  const none = { client: 0, last: 0, first: 0, count: 0, ordinal: 0, finish: 0, highTime: 0, crc: 0 };
  yield { ...none, data: Buffer.alloc(0), entries: rest };
}
