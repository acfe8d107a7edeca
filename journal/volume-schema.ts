/**
 * The layout of one volume; docs/adr/0002-journal-layout.md has the measurements behind it.
 *
 * Segments are keyed by one integer, client number << 40 | offset within the volume, so those of a client lie next to each
 * other in offset order: a catch-up read is one walk along the leaves of one B-tree. Entries, by contrast, are numbered as
 * they come, those of a segment in a row: appending them and their index rows touches only the last few pages, however
 * many clients a commit is for. From a segment to its entries it is a range of numbers, from a client to its entries a
 * walk over its segments.
 */

export const FORMAT = 1;

/** Low bits of a segment's key: the offset minus the volume's base. The client's number stands above them. */
export const OFFSET_SPACE = 2 ** 40;
/** Client numbers that fit above the offset without touching the sign. */
export const MAX_CLIENTS = 2 ** 23 - 1;

/**
 * The row of `client` that stands for every client without one, in a journal that could not be read from the log's beginning:
 * its head is the last offset of which nothing is known. No client has an empty name.
 */
export const ANY_CLIENT = '';

/** SQL for a segment's key from two bound numbers. The bit operators also make integers of better-sqlite3's doubles. */
export const KEY = '((? << 40) | ?)';
/** SQL that takes the offset out of a segment's key. */
export const OFFSET_OF = (key: string) => `(${key} & ${OFFSET_SPACE - 1})`;

/** Larger pages read long segments a little faster, but cost twice the CPU where a commit holds one message. */
export const PAGE_BYTES = 4_096;

export const SCHEMA = `
  create table volume (                -- exactly one row
    one integer primary key check (one = 1),
    format integer not null,
    epoch text not null,               -- incarnation of the log
    base integer not null,             -- lowest offset that may be in here
    created integer not null,          -- ms
    appended integer not null,         -- ms, arrival of the latest batch: what retention by age goes by
    position integer not null,         -- next offset to consume from the source partition
    floor integer not null,            -- base of the oldest volume retained (kept in the newest volume only)
    next integer,                      -- base of the next volume once this one is sealed
    min_message any,                   -- least and greatest message id: where duplicates may be
    max_message any
  ) strict;

  create table client (                -- heads: carried from volume to volume, so that chains cross them
    no integer primary key,
    name text not null unique,
    head integer not null,             -- offset of the latest entry
    count integer not null,            -- entries ever
    time integer not null,             -- greatest time so far, ms
    bytes integer not null,            -- bytes of its frames in this volume
    chain blob not null                -- rolling hash after the latest entry
  ) strict;

  create table type (no integer primary key, name text not null unique) strict;
  create table label (no integer primary key, name text not null unique) strict;
  create table txn (
    no integer primary key,
    client integer not null,
    name text not null,
    first integer not null,            -- offset of its first entry in this volume
    unique (client, name)
  ) strict;
  create unique index txn_first on txn (client, first);

  create table segment (               -- per commit and client: the frames as they are sent
    key integer primary key,           -- client << 40 | offset of the last entry
    first integer not null,            -- offset of the first entry, less base
    row integer not null,              -- number of the first entry; the others follow
    count integer not null,
    ordinal integer not null,          -- how many-th entry of the client the last one is
    finish integer not null,           -- bytes of the client's frames in this volume up to the end of this segment
    first_time integer not null,
    last_time integer not null,
    high_time integer not null,        -- greatest time of the client up to here: rises with the key, so it can be searched
    crc integer not null,              -- CRC-32 of data
    data blob not null
  ) strict;

  create table entry (
    row integer primary key,
    start integer not null,            -- least offset of its commit, less base: later rows have no lower ones
    segment integer not null,          -- offset part of its segment's key
    offset integer not null,           -- less base
    prev integer not null,
    ordinal integer not null,          -- how many-th entry of the client this is: differences count exactly
    time integer not null,
    type integer not null,
    txn integer not null,
    message any not null,
    confidence real,
    labels text,                       -- label numbers, comma separated
    position integer not null,         -- bytes into the segment
    length integer not null,
    chain blob not null                -- rolling hash after this entry
  ) strict;
  create unique index entry_message on entry (message);
  create index entry_type on entry (type);
  create index entry_txn on entry (txn);
  create table entry_label (label integer not null, row integer not null, primary key (label, row)) strict, without rowid;

  create trigger segment_append_only_update before update on segment begin select raise(abort, 'the journal is append-only'); end;
  create trigger segment_append_only_delete before delete on segment begin select raise(abort, 'the journal is append-only'); end;
  create trigger entry_append_only_update before update on entry begin select raise(abort, 'the journal is append-only'); end;
  create trigger entry_append_only_delete before delete on entry begin select raise(abort, 'the journal is append-only'); end;
  create trigger label_append_only_update before update on entry_label begin select raise(abort, 'the journal is append-only'); end;
  create trigger label_append_only_delete before delete on entry_label begin select raise(abort, 'the journal is append-only'); end;
`;
