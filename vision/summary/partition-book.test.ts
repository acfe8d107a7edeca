/** The book of a partition against a simulated log: crashes anywhere, time passing, late results, lost stores. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { payloadOf, unpackEvent } from '../../protocol/envelope.ts';
import { ServiceCompleted } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { ImageAccepted, TransactionOpened } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { Status, TransactionSummary } from '../../protocol/generated/summary/v1m0/summary_pb.js';
import { disordered, factOf, imageId, START, transactionFacts } from './arbitrary-facts.ts';
import { digestOf, type Fact, saidBy } from './fact.ts';
import { fold } from './fold.ts';
import { type BookRules, PartitionBook } from './partition-book.ts';
import { PartitionStore } from './store.ts';
import { summarise } from './summarise.ts';
import { emptyState } from './transaction-state.ts';
import { readUsage } from './usage-table.ts';

const RULES: BookRules = { defaultDeadlineMs: 3000, revisionIntervalMs: 500, maxSummaryBytes: 1 << 20 };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-book-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A partition of results-1, and a summary service that lives and dies beside it. */
class World {
  static #count = 0;
  readonly #folder = join(folder, String(World.#count++));
  readonly log: Fact[] = [];
  readonly #rules: BookRules;
  #store: PartitionStore;
  book: PartitionBook;

  constructor(rules: Partial<BookRules> = {}) {
    this.#rules = { ...RULES, ...rules };
    this.#store = PartitionStore.open(this.#folder, 0, 'epoch');
    this.book = new PartitionBook(this.#store, this.#rules, { earliest: 0, end: this.log.length });
  }

  append(...facts: Fact[]): void {
    this.log.push(...facts);
  }

  /** Takes in up to `records` of the log and does what follows, up to the given point of the way. */
  work(records = Number.POSITIVE_INFINITY, until: 'taken' | 'sent' | 'saved' = 'saved'): void {
    const from = this.book.position;
    for (const [n, fact] of this.log.slice(from, from + records).entries()) this.book.take(from + n, fact);
    this.#settle(until);
  }

  /** Works until nothing is left to take in. */
  workOff(): void {
    do this.work();
    while (this.book.position < this.log.length);
  }

  tick(at: number): void {
    if (this.book.position < this.log.length) return;
    if (this.book.live) this.book.advance(START + at);
    this.#settle('saved');
  }

  /** The process dies and starts again. */
  crash(): void {
    this.#store.close();
    this.#store = PartitionStore.open(this.#folder, 0, 'epoch');
    this.book = new PartitionBook(this.#store, this.#rules, { earliest: 0, end: this.log.length });
  }

  loseStore(): void {
    this.#store.close();
    rmSync(this.#folder, { recursive: true });
    this.#store = PartitionStore.open(this.#folder, 0, 'epoch');
    this.book = new PartitionBook(this.#store, this.#rules, { earliest: 0, end: this.log.length });
  }

  usage(client: string) {
    return readUsage(this.#store.database, client, '0000-00-00', '9999-99-99');
  }

  /** The summaries that a journal keeps: each message id once. */
  summaries(transaction = 't'): TransactionSummary[] {
    const seen = new Set<string>();
    return this.log
      .filter(({ event, said }) => said.kind === 'summary' && event.correlationId === transaction)
      .filter(({ event }) => !seen.has(event.messageId) && seen.add(event.messageId))
      .map(({ event }) => payloadOf(event, TransactionSummary));
  }

  close(): void {
    this.#store.close();
  }

  #settle(until: 'taken' | 'sent' | 'saved'): void {
    if (until === 'taken') return;
    for (const { value } of this.book.settle()) {
      const event = unpackEvent(value);
      this.append({ event, time: event.eventTime, granted: true, said: saidBy(event) });
    }
    if (until === 'sent') return;
    this.#store.save(this.book.changes());
    this.book.saved();
  }
}

function inWorld<T>(action: (world: World) => T, rules: Partial<BookRules> = {}): T {
  const world = new World(rules);
  try {
    return action(world);
  } finally {
    world.close();
  }
}

function expectedOf(facts: readonly Fact[]): string {
  const state = emptyState('alice', 't');
  for (const fact of facts) fold(state, fact);
  return digestOf(summarise(state, 'complete'));
}

type Step =
  | { readonly kind: 'arrive'; readonly facts: number }
  | { readonly kind: 'work'; readonly records: number }
  | { readonly kind: 'tick'; readonly at: number }
  | { readonly kind: 'crash'; readonly records: number; readonly until: 'taken' | 'sent' | 'saved' }
  | { readonly kind: 'lose' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('arrive' as const), facts: fc.integer({ min: 1, max: 6 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('work' as const), records: fc.integer({ min: 1, max: 8 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('tick' as const), at: fc.integer({ min: 0, max: 20_000 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('crash' as const),
        records: fc.integer({ min: 0, max: 8 }),
        until: fc.constantFrom('taken' as const, 'sent' as const, 'saved' as const),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'lose' as const }) },
  ),
  { maxLength: 30 },
);

test('whatever the order, the repetitions, the crashes and the clock: the last summary says what all facts say together', () => {
  const worlds = transactionFacts().chain((facts) => fc.tuple(fc.constant(facts), disordered(facts), steps));
  fc.assert(
    fc.property(worlds, ([facts, arriving, script]) =>
      inWorld((world) => {
        let next = 0;
        for (const step of script) {
          switch (step.kind) {
            case 'arrive':
              world.append(...arriving.slice(next, next + step.facts));
              next = Math.min(arriving.length, next + step.facts);
              break;
            case 'work':
              world.work(step.records);
              break;
            case 'tick':
              world.tick(step.at);
              break;
            case 'crash':
              world.work(step.records, step.until);
              world.crash();
              break;
            case 'lose':
              world.loseStore();
          }
        }
        world.append(...arriving.slice(next));
        world.workOff();
        world.tick(1e9);
        world.workOff();
        const summaries = world.summaries();
        const last = summaries.at(-1)!;
        expect(digestOf(last)).toBe(expectedOf(facts));
        // Each counts on from the one before, so that a client can tell which is the later one.
        expect(summaries.map(({ revision }) => revision)).toEqual(summaries.map((_, n) => n + 1));
        for (let n = 1; n < summaries.length; n++)
          expect(digestOf(summaries[n]!)).not.toBe(digestOf(summaries[n - 1]!));
      }),
    ),
    { numRuns: 150 },
  );
});

test('every fact is counted in the usage once, however often it comes and whatever crashes', () => {
  const worlds = transactionFacts().chain((facts) => fc.tuple(fc.constant(facts), disordered(facts), fc.nat(8)));
  fc.assert(
    fc.property(worlds, ([facts, arriving, crashAfter]) =>
      inWorld((world) => {
        world.append(...arriving);
        world.work(crashAfter, 'sent');
        world.crash();
        world.work(crashAfter);
        world.crash();
        world.workOff();
        const count = (...kinds: string[]) => facts.filter(({ said }) => kinds.includes(said.kind)).length;
        const images = facts.flatMap(({ said }) => (said.kind === 'accepted' ? [said.image] : []));
        expect(world.usage('alice')).toEqual([
          {
            day: '2026-11-21',
            images: images.length,
            bytes: images.reduce((sum, { size }) => sum + size, 0),
            results: count('face', 'text', 'barcode', 'other-result'),
            completions: count('completed'),
            failures: count('failed'),
            summaries: world.summaries().length,
          },
        ]);
        expect(world.usage('bob')).toEqual([]);
      }),
    ),
    { numRuns: 50 },
  );
});

const accepted = (n: number, at: number) =>
  factOf(ImageAccepted, ImageAccepted.create({ imageId: imageId(n), services: ['ocr'] }), { at });
const line = (n: number, at: number) =>
  factOf(TextLine, TextLine.create({ imageId: imageId(n), text: `line ${n}` }), { at });
const completed = (n: number, at: number, results = 0) =>
  factOf(ServiceCompleted, ServiceCompleted.create({ imageId: imageId(n), service: 'ocr', version: '1.0', results }), {
    at,
  });
const elsewhere = (at: number) =>
  factOf(ImageAccepted, ImageAccepted.create({ imageId: imageId(99), services: ['ocr'] }), {
    at,
    transaction: 'other',
  });
const statuses = (world: World) => world.summaries().map(({ revision, status }) => [revision, Status[status]]);

describe('deadlines go by stream time', () => {
  test('the event that shows that the deadline has passed does not count before it', () =>
    inWorld((world) => {
      world.append(accepted(0, 0), line(0, 100), completed(0, 3000, 1));
      world.workOff();
      expect(statuses(world)).toEqual([[1, 'PARTIAL']]);
      expect(world.summaries()[0]!.text).toHaveLength(1);
      world.tick(10_000);
      expect(statuses(world)).toEqual([
        [1, 'PARTIAL'],
        [2, 'COMPLETE'],
      ]);
    }));

  test("another transaction's events move the same clock", () =>
    inWorld((world) => {
      world.append(accepted(0, 0), elsewhere(2999));
      world.workOff();
      expect(statuses(world)).toEqual([]);
      world.append(elsewhere(3000));
      world.workOff();
      expect(statuses(world)).toEqual([[1, 'PARTIAL']]);
    }));

  test('where nothing happens the clock on the wall moves it', () =>
    inWorld((world) => {
      world.append(accepted(0, 0));
      world.workOff();
      world.tick(2999);
      expect(statuses(world)).toEqual([]);
      world.tick(3000);
      expect(statuses(world)).toEqual([[1, 'PARTIAL']]);
    }));

  test('a deadline that passed while the service was down is kept when it comes back', () =>
    inWorld((world) => {
      world.append(accepted(0, 0));
      world.workOff();
      world.crash();
      world.tick(60_000);
      world.tick(60_000);
      expect(statuses(world)).toEqual([[1, 'PARTIAL']]);
    }));

  test('a paused producer makes results late live, and on time in a replay of the same events', () => {
    const events = [accepted(0, 0), line(0, 2000), completed(0, 2001, 1)];
    inWorld((live) => {
      live.append(events[0]!);
      live.workOff();
      // The producer has stamped its results and is then held up: the wall's clock goes on.
      live.tick(5000);
      live.append(events[1]!, events[2]!);
      live.workOff();
      live.tick(10_000);
      expect(statuses(live)).toEqual([
        [1, 'PARTIAL'],
        [2, 'COMPLETE'],
      ]);
      inWorld((replay) => {
        replay.append(...events);
        replay.workOff();
        replay.tick(10_000);
        expect(statuses(replay)).toEqual([[1, 'COMPLETE']]);
        expect(digestOf(replay.summaries().at(-1)!)).toBe(digestOf(live.summaries().at(-1)!));
      });
    });
  });

  test('reading the log again, summaries included, adds nothing to it', () =>
    inWorld((world) => {
      world.append(accepted(0, 0));
      world.workOff();
      world.tick(5000);
      world.append(line(0, 2000), completed(0, 2001, 1));
      world.workOff();
      world.tick(10_000);
      world.workOff();
      const before = [...world.log];
      world.loseStore();
      world.workOff();
      world.tick(20_000);
      expect(world.log).toEqual(before);
    }));
});

test('a restart keeps the clock and the position, and records that come again are passed over', () =>
  inWorld((world) => {
    world.append(accepted(0, 0), elsewhere(2500));
    world.workOff();
    world.crash();
    expect(world.book.streamTime).toBe(START + 2500);
    expect(world.book.position).toBe(2);
    world.book.take(0, world.log[0]);
    expect(world.book.position).toBe(2);
    expect(world.book.hasChanges).toBe(false);
  }));

test('an announced deadline counts, and a transaction without an image is summed up at it', () =>
  inWorld((world) => {
    const deadline = Timestamp.fromDate(new Date(START + 700));
    world.append(factOf(TransactionOpened, { expectedImages: 3, deadline }, { at: 0 }));
    world.workOff();
    world.tick(699);
    expect(statuses(world)).toEqual([]);
    world.tick(700);
    expect(statuses(world)).toEqual([[1, 'PARTIAL']]);
    expect(world.log.at(-1)!.event.eventTime).toBe(START + 700);
  }));

test('summaries of a transaction keep their distance, and the last one has everything', () =>
  inWorld((world) => {
    for (let n = 0; n < 20; n++) {
      world.append(accepted(n, n * 100), completed(n, n * 100 + 50));
      world.workOff();
    }
    world.tick(10_000);
    // Twenty images in two seconds, half a second between two summaries.
    expect(world.summaries().length).toBeLessThanOrEqual(6);
    expect(world.summaries().at(-1)!.images).toHaveLength(20);
  }));

test('a summary too large for a message is cut down and says by how much', () =>
  inWorld(
    (world) => {
      for (let n = 0; n < 200; n++) world.append(accepted(n, 0), line(n, 0), completed(n, 0, 1));
      world.workOff();
      const [summary] = world.summaries();
      expect(TransactionSummary.toBinary(summary!).byteLength).toBeLessThanOrEqual(4096);
      expect(summary!.images.length + summary!.omitted!.images).toBe(200);
      expect(summary!.text.length + summary!.omitted!.text).toBe(200);
      expect(summary!.services).toMatchObject([{ service: 'ocr', completed: 200, results: 200 }]);
    },
    { maxSummaryBytes: 4096 },
  ));

test('the token that travels on is that of the latest submission that grants the summary', () =>
  inWorld((world) => {
    const first = accepted(0, 0);
    const second = accepted(1, 10);
    const ungranted = { ...accepted(2, 20), granted: false };
    world.append(second, first, ungranted, ...[0, 1, 2].map((n) => completed(n, 30)));
    world.workOff();
    expect(world.log.at(-1)!.event).toMatchObject({ token: second.event.token, client: 'alice', correlationId: 't' });
    // And after a restart, when it comes from the store.
    world.crash();
    world.append(line(0, 2000));
    world.workOff();
    expect(world.log.at(-1)!.event).toMatchObject({ token: second.event.token });
    expect(statuses(world).at(-1)).toEqual([2, 'COMPLETE']);
  }));
