/**
 * A filtered stream is the filter of the unfiltered stream: for random journals, filters, chunk sizes, buffer sizes and
 * cut points, with entries appended before and while it runs, and with the connection cut and resumed anywhere.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../journal/testing/temporary-folder.ts';
import { partitionOf } from '../../protocol/log/partitioner.ts';
import { compileExpression } from '../filter/expression.ts';
import type { Filter } from '../request/stream-request.ts';
import { type AnyFrame, CLIENT, JournalUnderTest, type Spec } from '../testing/journal-under-test.ts';

const spec: fc.Arbitrary<Spec> = fc.record({
  client: fc.constantFrom(CLIENT, CLIENT, CLIENT, 'bob'),
  type: fc.constantFrom('ocr.v1m0.TextLine', 'barcode.v1m0.Barcode', 'faceextract.v1m0.ExtractedFace'),
  transaction: fc.constantFrom('t1', 't2', 't3', 't4'),
  label: fc.constantFrom('', 'text', 'QRCode', 'face'),
  confidence: fc.constantFrom(0, 0.25, 0.5, 0.75, 1),
  text: fc.string({ maxLength: 40 }),
});

const EXPRESSIONS = [
  'payload.confidence >= 0.5',
  'message.type.startsWith("ocr.") || payload.label == "face"',
  'payload.text.size() > 10',
  'payload.missing == 1',
  'true',
];

const some = <T>(...values: T[]) => fc.option(fc.subarray(values, { minLength: 1 }), { nil: undefined });
const filter: fc.Arbitrary<Filter> = fc.record({
  types: some('ocr.v1m0.TextLine', 'barcode.v1m0.Barcode', 'unknown.v1m0.Type'),
  transactions: some('t1', 't3', 'never'),
  labels: some('text', 'QRCode', 'none'),
  minConfidence: fc.option(fc.constantFrom(0, 0.25, 0.75, 1), { nil: undefined }),
  expression: fc.option(fc.constantFrom(...EXPRESSIONS).map(compileExpression), { nil: undefined }),
});

const scenario = fc.record({
  before: fc.array(fc.array(spec, { maxLength: 12 }), { maxLength: 6 }),
  during: fc.array(fc.array(spec, { minLength: 1, maxLength: 6 }), { maxLength: 4 }),
  filter: fc.option(filter, { nil: undefined }),
  shard: fc.option(fc.constantFrom({ index: 0, count: 2 }, { index: 2, count: 3 }), { nil: undefined }),
  chunkBytes: fc.constantFrom(1, 200, 1_000, 100_000),
  capacity: fc.constantFrom(1, 500, 1_000_000),
  batch: fc.option(fc.constantFrom(1, 2, 5), { nil: undefined }),
  /** Frames after which the connection is cut, again and again. */
  cuts: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
});

const NO_FILTER: Filter = {
  types: undefined,
  transactions: undefined,
  labels: undefined,
  minConfidence: undefined,
  expression: undefined,
};

test('the filtered stream is the filter of the unfiltered stream', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      using folder = temporaryFolder();
      const journal = new JournalUnderTest(folder.path);
      try {
        for (const batch of given.before) journal.append(batch);
        const frames = await readStream(journal, given);
        const wanted = { filter: given.filter ?? NO_FILTER, shard: given.shard };
        const expected = journal.frames.filter((frame) => matches(frame, wanted)).map((frame) => frame.offset);
        const got = frames.filter(({ kind }) => kind === 'message').map(({ offset }) => offset);
        expect(got).toEqual(expected);
        const skipped = frames.reduce((sum, frame) => sum + (frame.skipped ?? 0), 0);
        // A cut may lose the bookmark that would have counted what was dropped before the last message.
        if (given.cuts.length === 0) expect(skipped).toBe(journal.frames.length - expected.length);
        expect(frames.at(-1)?.offset ?? -1).toBe(journal.frames.at(-1)?.offset ?? -1);
      } finally {
        journal.close();
      }
    }),
    // Most of a run is waiting for the disk: on a slow one fewer runs have to do. One that hangs fails.
    { numRuns: 100, timeout: 30_000, interruptAfterTimeLimit: 80_000 },
  );
});

/** Reads to the end of what will ever be, through as many connections as there are cuts. */
async function readStream(journal: JournalUnderTest, given: Given) {
  const cuts = [...given.cuts];
  const during = [...given.during];
  const all: AnyFrame[] = [];
  let after = -1;
  for (;;) {
    const connection = journal.connect(after, { ...given, filter: given.filter ?? NO_FILTER });
    const cut = cuts.shift() ?? Number.POSITIVE_INFINITY;
    let taken: AnyFrame[] = [];
    for (;;) {
      connection.sink.drain();
      await new Promise((resolve) => setImmediate(resolve));
      taken = connection.frames();
      const caughtUp = taken.some(({ kind }) => kind === 'caught_up');
      if (taken.length > cut) break;
      if (caughtUp && during.length > 0) journal.append(during.shift()!);
      else if (caughtUp && during.length === 0 && connection.stream.position >= journal.head) {
        // Nothing more will come; the bookmark that is due after a second says what was skipped.
        connection.sink.drain();
        connection.stream.tick(Date.now() + 10_000);
        taken = connection.frames();
        connection.close();
        all.push(...taken);
        return all.filter(({ kind }) => kind === 'message' || kind === 'bookmark');
      }
    }
    connection.close();
    // A client has what came whole before the cut, and goes on after the last position that it was told.
    taken = taken.slice(0, cut);
    all.push(...taken);
    after = taken.reduce((last, frame) => (frame.kind === 'goodbye' ? last : Math.max(last, frame.offset)), after);
  }
}

function matches(frame: AnyFrame, { filter, shard }: { filter: Filter; shard: Given['shard'] }): boolean {
  const { types, transactions, labels, minConfidence, expression } = filter;
  const { type, transaction, payload } = frame;
  return (
    (types?.includes(type) ?? true) &&
    (transactions?.includes(transaction) ?? true) &&
    (labels?.includes(payload.label) ?? true) &&
    (minConfidence === undefined || payload.confidence >= minConfidence) &&
    (expression?.matches(Buffer.from(JSON.stringify(frame))) ?? true) &&
    (shard === undefined || partitionOf(transaction, shard.count) === shard.index)
  );
}

type Given = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;
