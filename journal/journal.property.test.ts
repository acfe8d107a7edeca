/** Random histories of a journal, held against the naive one: whatever is asked, both must say the same. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EntryFilter, NewEntry } from './entry.ts';
import { type JournalReader, openJournalReader } from './reader.ts';
import { matches, NaiveJournal } from './testing/naive-journal.ts';
import { newEntry } from './testing/new-entry.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';
import { verifyJournal } from './verify.ts';
import { openJournalWriter } from './writer.ts';

const EPOCH = 'epoch1';
const CLIENTS = ['ada', 'bob', 'çelik'];
const TYPES = ['ocr.v1m0.Text', 'faceextract.v1m0.ExtractedFace', 'completion.v1m0.Completed'];
const TRANSACTIONS = ['t1', 't2', 't3', 't4'];
const LABELS = ['face', 'text', 'qr'];

const draft = fc.record({
  client: fc.nat(CLIENTS.length - 1),
  gap: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(9)),
  time: fc.nat(60),
  type: fc.constantFrom(...TYPES),
  transaction: fc.constantFrom(...TRANSACTIONS),
  labels: fc.uniqueArray(fc.constantFrom(...LABELS)),
  confidence: fc.option(fc.constantFrom(0, 0.25, 0.5, 1)),
  size: fc.oneof({ weight: 9, arbitrary: fc.nat(40) }, fc.constant(700)),
  // Of a message long ago: a duplicate wherever that is still held. Some ids are no UUIDs at all.
  repeat: fc.option(fc.nat(40), { freq: 6 }),
  id: fc.constantFrom('uuid', 'uuid', 'text'),
});

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      drafts: fc.array(draft, { maxLength: 12, size: 'max' }),
      gap: fc.nat(3),
      replay: fc.nat(5),
      // A volume has room for 2^40 offsets: a jump beyond must roll it.
      jump: fc.option(fc.constant(2 ** 41), { freq: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(400, 2_000) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
);

const list = (values: string[]) => fc.option(fc.subarray(values), { nil: undefined, freq: 1 });
const filter: fc.Arbitrary<EntryFilter> = fc
  .record({
    types: list([...TYPES, 'never.seen']),
    transactions: list([...TRANSACTIONS, 'never']),
    labels: list([...LABELS, 'never']),
    minConfidence: fc.option(fc.constantFrom(0, 0.3, 1), { nil: undefined }),
  })
  .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)));

const question = fc.record({
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

test('a journal answers as the naive one does, whatever its history', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 16, size: 'max' }),
      fc.array(question, { minLength: 3, maxLength: 8, size: 'max' }),
      fc.record({
        segmentBytes: fc.constantFrom(1, 60, 262_144),
        volumeBytes: fc.constantFrom(1, 2 ** 30, 2 ** 30, 2 ** 30),
      }),
      (steps, questions, sizes) => {
        using folder = temporaryFolder();
        const naive = new NaiveJournal();
        const options = { epoch: EPOCH, now: 0, volumeSpanMs: 1_000, retentionMs: 3_000, ...sizes };
        let writer = openJournalWriter(folder.path, options);
        let reader = openJournalReader(folder.path);
        let now = 0;
        let history: NewEntry[] = [];
        try {
          for (const step of steps) {
            if (step.kind === 'append') {
              const entries = [...history.slice(history.length - step.replay)];
              let offset = naive.position + (step.jump ?? 0);
              for (const { gap, repeat, size, client, id, ...fields } of step.drafts) {
                offset += gap;
                const entry = newEntry(CLIENTS[client]!, offset, {
                  ...fields,
                  ...(id === 'text' ? { messageId: `not a uuid ${offset}` } : {}),
                  ...(repeat === null ? {} : { messageId: history[repeat]?.messageId ?? 'first' }),
                  frame: (prev) => Buffer.from(`${offsetText(offset)} ${prev} ${'x'.repeat(size)}\0\n`),
                });
                entries.push(entry);
                offset++;
              }
              const position = offset + step.gap;
              const result = writer.appendBatch({ entries, position, epoch: EPOCH, now });
              const fresh = entries.filter((entry) => entry.offset >= naive.position);
              if (result.rolled) naive.bases.push(fresh[0]?.offset ?? naive.position);
              expect(result).toMatchObject({ ...naive.append(entries, position), position });
              history = [...history, ...fresh];
            } else if (step.kind === 'wait') {
              now += step.ms;
              const { rolled, retired } = writer.maintain({ now });
              if (rolled) naive.bases.push(naive.position);
              expect(retired).toEqual(naive.bases.slice(0, retired.length));
              naive.bases.splice(0, retired.length);
              expect(naive.bases.length).toBeGreaterThan(0);
            } else {
              writer.close();
              reader.close();
              writer = openJournalWriter(folder.path, options);
              reader = openJournalReader(folder.path);
              expect(writer.position).toBe(naive.position);
            }
            ask(questions[0]!, reader, naive);
          }
          for (const each of questions) ask(each, reader, naive);
          expect(verifyJournal(folder.path).findings).toEqual([]);
        } finally {
          writer.close();
          reader.close();
        }
      },
    ),
    // Most of a run is waiting for the disk: on a slow one fewer runs have to do.
    { numRuns: 50, interruptAfterTimeLimit: 15_000 },
  );
});

function ask(question: Question, reader: JournalReader, naive: NaiveJournal): void {
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

function offsetText(offset: number): string {
  return `offset ${offset}`;
}

function text(buffers: readonly Buffer[]): string {
  return Buffer.concat(buffers).toString('latin1');
}
