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

/** Segments by client and offset, each with the entries that it says are its own. */
export function readVolume(database: Database.Database): {
  segments: Iterable<VerifiedSegment>;
  heads: Iterable<VerifiedHead>;
  /** All entries, whether a segment names them or not. */
  entries: number;
} {
  return {
    segments: segmentsOf(database),
    heads: database.prepare<[], VerifiedHead>('select no, name, head, count, time, bytes, chain from client').iterate(),
    entries: database.prepare<[], number>('select count(*) from entry').pluck().get() ?? 0,
  };
}

function* segmentsOf(database: Database.Database): Generator<VerifiedSegment> {
  const entries = database.prepare<[number, number, number], VerifiedEntry>(
    `select offset, prev, ordinal, time, ? as highTime, segment, position, length, chain
     from entry where row between ? and ? order by row`,
  );
  const segments = database
    .prepare<[], Omit<VerifiedSegment, 'entries'> & { row: number }>(
      `select key / ${OFFSET_SPACE} as client, ${OFFSET_OF('key')} as last, first, row, count, ordinal, finish,
              high_time as highTime, crc, data
       from segment order by key`,
    )
    .iterate();
  for (const { row, ...segment } of segments) {
    yield { ...segment, entries: entries.all(segment.highTime, row, row + segment.count - 1) };
  }
}
