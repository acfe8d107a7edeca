/** For the tests of a partition's book: a simulated log, a summary service that lives and dies beside it, and facts to put on the log. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { payloadOf, unpackEvent } from '../../../protocol/envelope.ts';
import { ServiceCompleted } from '../../../protocol/generated/completion/v1m0/completion_pb.js';
import { ImageAccepted } from '../../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { TextLine } from '../../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { Status, TransactionSummary } from '../../../protocol/generated/summary/v1m0/summary_pb.js';
import { type Fact, saidBy } from '../fact.ts';
import { type BookRules, PartitionBook } from '../partition-book.ts';
import { PartitionStore } from '../store.ts';
import { readUsage } from '../usage-table.ts';
import { factOf, imageId, START } from './arbitrary-facts.ts';

const RULES: BookRules = { defaultDeadlineMs: 3000, revisionIntervalMs: 500, maxSummaryBytes: 1 << 20 };

/** A partition of results-1, and a summary service that lives and dies beside it. */
export class World {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-book-'));
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
    this.close();
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
    rmSync(this.#folder, { recursive: true });
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

export function inWorld<T>(action: (world: World) => T, rules: Partial<BookRules> = {}): T {
  const world = new World(rules);
  try {
    return action(world);
  } finally {
    world.close();
  }
}

/** Facts of image `n` of transaction `t`, and of another one: `at` milliseconds after START. */
export const accepted = (n: number, at: number) =>
  factOf(ImageAccepted, ImageAccepted.create({ imageId: imageId(n), services: ['ocr'] }), { at });
export const line = (n: number, at: number) =>
  factOf(TextLine, TextLine.create({ imageId: imageId(n), text: `line ${n}` }), { at });
export const completed = (n: number, at: number, results = 0) =>
  factOf(ServiceCompleted, ServiceCompleted.create({ imageId: imageId(n), service: 'ocr', version: '1.0', results }), {
    at,
  });
export const elsewhere = (at: number) =>
  factOf(ImageAccepted, ImageAccepted.create({ imageId: imageId(99), services: ['ocr'] }), {
    at,
    transaction: 'other',
  });
/** Of the summaries of transaction `t`, in order. */
export const statuses = (world: World) => world.summaries().map(({ revision, status }) => [revision, Status[status]]);
