/** Questions to a journal, and that it answers them as the naive one does: by every way of reading, with every cut. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { EntryFilter } from '../entry.ts';
import type { JournalReader } from '../reader.ts';
import { matches, type NaiveJournal } from './naive-journal.ts';

/** What the histories that are asked about are made of. */
export const EPOCH = 'epoch1';
export const CLIENTS = ['ada', 'bob', 'çelik'];
export const TYPES = ['ocr.v1m0.Text', 'faceextract.v1m0.ExtractedFace', 'completion.v1m0.Completed'];
export const TRANSACTIONS = ['t1', 't2', 't3', 't4'];
export const LABELS = ['face', 'text', 'qr'];

const list = (values: string[]) => fc.option(fc.subarray(values), { nil: undefined, freq: 1 });
const filter: fc.Arbitrary<EntryFilter> = fc
  .record({
    types: list([...TYPES, 'never.seen']),
    transactions: list([...TRANSACTIONS, 'never']),
    labels: list([...LABELS, 'never']),
    minConfidence: fc.option(fc.constantFrom(0, 0.3, 1), { nil: undefined }),
  })
  .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)));

export const question = fc.record({
  client: fc.constantFrom(...CLIENTS, 'nobody'),
  // In percent of what there is.
  after: fc.oneof(fc.constant(0), fc.noBias(fc.integer({ min: 0, max: 100 }))),
  until: fc.option(fc.noBias(fc.integer({ min: 0, max: 100 })), { freq: 2 }),
  maxBytes: fc.oneof(fc.noBias(fc.integer({ min: 1, max: 800 })), fc.constant(1_000_000)),
  maxScan: fc.constantFrom(1, 5, 1_000),
  maxCount: fc.constantFrom(1, 4, 1_000),
  time: fc.nat(60),
  filter,
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

/** Asks every way, and expects of each what the naive one has. */
export function ask(question: Question, reader: JournalReader, naive: NaiveJournal): void {
  const { client, maxBytes, maxScan, maxCount } = question;
  const ever = naive.ever(client);
  const held = naive.held(client);
  const head = ever.at(-1)?.offset ?? -1;
  const after = Math.floor((question.after / 100) * (head + 3)) - 1;
  const until = question.until === null ? undefined : Math.floor((question.until / 100) * (head + 3));
  const range = { client, maxBytes, ...(until === undefined ? {} : { until }) };

  expect(reader.bounds()).toEqual({ epoch: EPOCH, earliest: naive.floor, position: naive.position });
  expect(reader.head(client)).toBe(head);
  expect(reader.earliest(client)).toBe(held[0]?.offset ?? null);
  expect(reader.count(client, after)).toBe(naive.held(client, after).length);
  expect(reader.hashAt(client, after)).toBe(hashAt(naive, client, after));
  const { time } = question;
  const atTime = held.find((entry) => entry.time >= time)?.offset ?? null;
  const found = reader.offsetAtTime(client, time);
  // Where the first such entry has been retired, an earlier one may be named: too many entries beat too few.
  if (ever.some((entry) => entry.offset < naive.floor && entry.time >= time)) {
    expect(found === null ? held.length : held.filter(({ offset }) => offset === found).length).toBe(
      found === null ? 0 : 1,
    );
    if (atTime !== null) expect(found).toBeLessThanOrEqual(atTime);
  } else expect(found).toBe(atTime);

  const expected = naive.held(client, after, until);
  const kept = expected.filter((entry) => matches(entry, question.filter));
  if (naive.isRetired(client, after)) {
    const retired = { kind: 'retired', earliest: held[0]?.offset ?? head + 1 };
    expect(reader.read({ ...range, after })).toEqual(retired);
    expect(reader.select({ ...range, after, filter: question.filter })).toEqual(retired);
    return;
  }

  // read: every cut, until the end is said.
  let at = after;
  let rest = expected;
  for (let end = false; !end; ) {
    const read = reader.read({ ...range, after: at });
    if (read.kind === 'retired') throw new Error('retired');
    const part = rest.slice(0, read.count);
    expect(text(read.chunks)).toBe(text(part.map(({ frame }) => frame)));
    expect(read.bytes).toBe(text(read.chunks).length);
    if (read.count > 1) expect(read.bytes).toBeLessThanOrEqual(maxBytes);
    expect(read.last).toBe(part.at(-1)?.offset ?? at);
    rest = rest.slice(read.count);
    expect(read.end).toBe(rest.length === 0);
    if (!read.end) expect(read.last).toBeGreaterThan(at);
    at = read.last;
    end = read.end;
  }

  // select = filter(read), and the entries skipped add up.
  at = after;
  rest = kept;
  let passed = 0;
  for (let end = false; !end; ) {
    const read = reader.select({ ...range, after: at, maxScan, filter: question.filter });
    if (read.kind === 'retired') throw new Error('retired');
    const part = rest.slice(0, read.count);
    expect(text(read.chunks)).toBe(text(part.map(({ frame }) => frame)));
    if (read.count > 1) expect(read.bytes).toBeLessThanOrEqual(maxBytes);
    if (read.count > 0) expect(read.last).toBe(part.at(-1)!.offset);
    expect(read.scanned).toBeGreaterThanOrEqual(read.last);
    if (Object.keys(question.filter).every((key) => key === 'minConfidence')) {
      expect(read.count + read.skipped).toBeLessThanOrEqual(maxScan);
    }
    passed += read.count + read.skipped;
    expect(passed).toBe(expected.filter(({ offset }) => offset <= read.scanned).length);
    if (!read.end) expect(read.scanned).toBeGreaterThan(at);
    rest = rest.slice(read.count);
    at = read.scanned;
    end = read.end;
  }
  expect(rest).toEqual([]);
  expect(passed).toBe(expected.length);

  // entries: the same with all that is known of each.
  at = after;
  const known: unknown[] = [];
  for (let end = false; !end; ) {
    const read = reader.entries({ ...range, after: at, maxScan, maxCount, filter: question.filter });
    if (read.kind === 'retired') throw new Error('retired');
    expect(read.entries.length).toBeLessThanOrEqual(maxCount);
    if (!read.end) expect(read.scanned).toBeGreaterThan(at);
    known.push(...read.entries.map(({ frame, ...entry }) => ({ ...entry, frame: frame.toString('latin1') })));
    at = read.scanned;
    end = read.end;
  }
  const all = kept.map(({ client: _, ordinal: __, chain: ___, highTime: ____, frame, ...entry }) => {
    return { ...entry, frame: frame.toString('latin1') };
  });
  expect(known).toEqual(all);

  checkTransactions(reader, naive, client, maxCount);
}

function checkTransactions(reader: JournalReader, naive: NaiveJournal, client: string, limit: number): void {
  const held = naive.held(client);
  const listed: unknown[] = [];
  for (let after = -1; ; ) {
    const page = reader.transactions(client, { after, limit });
    if (page.length === 0) break;
    expect(page.length).toBeLessThanOrEqual(limit);
    listed.push(...page);
    after = page.at(-1)!.first;
  }
  const names = [...new Set(held.map(({ transaction }) => transaction))];
  const expected = names.map((transaction) => {
    const entries = held.filter((entry) => entry.transaction === transaction);
    return { transaction, first: entries[0]!.offset, last: entries.at(-1)!.offset, count: entries.length };
  });
  expect(listed).toEqual(expected);
  for (const { transaction } of expected) {
    const offsets = held.filter((entry) => entry.transaction === transaction).map(({ offset }) => offset);
    expect(reader.transaction(client, transaction).map(({ offset }) => offset)).toEqual(offsets);
  }
}

function hashAt(naive: NaiveJournal, client: string, offset: number): string | null {
  const ever = naive.ever(client);
  const last = ever.findLast((entry) => entry.offset <= offset);
  if (last === undefined) return naive.isRetired(client, -1) && ever[0]!.offset < naive.floor ? null : '00'.repeat(8);
  return last.offset >= naive.floor || last === ever.at(-1) ? last.chain : null;
}

function text(buffers: readonly Buffer[]): string {
  return Buffer.concat(buffers).toString('latin1');
}
