/**
 * The transactions of one partition of results-1: takes facts in, in the order of the log, and says which summaries are owed.
 *
 * Synchronous and without I/O but for reading its store. The caller sends what is owed, and only when that is acknowledged
 * saves what has changed, position included; so a crash at any point repeats work and loses none.
 *
 * A book begins in recovery: it folds what was on the log when it was opened without deciding anything, since the
 * decisions of an earlier life are on the log too, as summaries, and are folded like any other fact. After that it is live and decides.
 */
import type { ProduceRecord } from '../../protocol/log/log.ts';
import { type DecisionRules, deadlineOf, decide } from './decide.ts';
import { DueTimes } from './due-times.ts';
import { digestOf, type Fact } from './fact.ts';
import { fitted } from './fit.ts';
import { fold } from './fold.ts';
import { StateCache } from './state-cache.ts';
import { type Changes, keyOf, type PartitionStore, type StoredFact, type StoredTransaction } from './store.ts';
import { summarise } from './summarise.ts';
import { summaryRecord } from './summary-record.ts';
import type { TransactionState } from './transaction-state.ts';
import { sumUsage, type UsageDelta, usageOf } from './usage.ts';

export interface BookRules extends DecisionRules {
  /** Most bytes of a summary. */
  readonly maxSummaryBytes: number;
}

export class PartitionBook {
  readonly #rules: BookRules;
  readonly #states: StateCache;
  readonly #dues = new DueTimes();
  readonly #touched = new Set<string>();
  #owed: ProduceRecord[] = [];
  readonly #recoverTo: number;
  #live = false;
  #position: number;
  #savedPosition: number | undefined;
  #streamTime: number;

  // What the store does not have yet.
  #unsavedFacts: StoredFact[] = [];
  #unsavedUsage: UsageDelta[] = [];
  readonly #unsavedTransactions = new Set<string>();

  /** @param log where it begins, for a store that has no position, and where it ends now */
  constructor(store: PartitionStore, rules: BookRules, log: { readonly earliest: number; readonly end: number }) {
    this.#states = new StateCache(store);
    this.#rules = rules;
    this.#recoverTo = log.end;
    this.#savedPosition = store.position();
    this.#position = this.#savedPosition ?? log.earliest;
    this.#streamTime = store.streamTime();
    for (const { client, transaction, due } of store.due()) this.#dues.set(keyOf(client, transaction), due);
    this.#liveIfRecovered();
  }

  /** Offset of the next record to take in. */
  get position(): number {
    return this.#position;
  }

  /** Latest event time of the partition, ms since the epoch: the clock by which deadlines are judged. */
  get streamTime(): number {
    return this.#streamTime;
  }

  /** Whether everything that was on the log when the book was opened has been taken in. */
  get live(): boolean {
    return this.#live;
  }

  get recoverTo(): number {
    return this.#recoverTo;
  }

  /** @param fact undefined for a record that is passed over */
  take(offset: number, fact: Fact | undefined): void {
    if (offset < this.#position) return;
    this.#position = offset;
    this.#liveIfRecovered();
    this.#position = offset + 1;
    if (fact !== undefined) this.#takeFact(fact);
  }

  #takeFact(fact: Fact): void {
    // First the time, then the fact: an event after a deadline does not count before it.
    this.advance(fact.time);
    const state = this.#states.get(fact.event.client, fact.event.correlationId);
    if (!fold(state, fact)) return;
    const key = keyOf(state.client, state.transaction);
    this.#touched.add(key);
    this.#unsavedTransactions.add(key);
    this.#unsavedFacts.push(storedFact(fact));
    const usage = usageOf(fact);
    if (usage !== undefined) this.#unsavedUsage.push(usage);
    // A deadline may pass before this batch is over. What is owed already is given when it is.
    const decision = decide(state, this.#streamTime, this.#rules);
    if (decision.kind === 'wait') this.#dues.set(key, decision.due);
  }

  /** Moves stream time on, never back, and decides what became due. */
  advance(time: number): void {
    if (time <= this.#streamTime) return;
    this.#streamTime = time;
    if (!this.#live) return;
    for (const key of this.#dues.passed(time)) this.#decide(key);
  }

  /** Decides about every transaction that facts came for. @returns the summaries to send, in order */
  settle(): ProduceRecord[] {
    this.#liveIfRecovered();
    if (!this.#live) return [];
    for (const key of this.#touched) this.#decide(key);
    this.#touched.clear();
    const owed = this.#owed;
    this.#owed = [];
    return owed;
  }

  /** What has changed since `saved` was last called. */
  changes(): Changes {
    return {
      facts: this.#unsavedFacts,
      transactions: [...this.#unsavedTransactions].map((key) => this.#storedTransaction(key)),
      usage: sumUsage(this.#unsavedUsage),
      position: this.#position,
      streamTime: this.#streamTime,
    };
  }

  saved(): void {
    this.#savedPosition = this.#position;
    this.#unsavedFacts = [];
    this.#unsavedUsage = [];
    this.#unsavedTransactions.clear();
    this.#states.dropUnused();
  }

  get hasChanges(): boolean {
    return this.#position !== this.#savedPosition || this.#unsavedTransactions.size > 0;
  }

  get unsavedFacts(): number {
    return this.#unsavedFacts.length;
  }

  #liveIfRecovered(): void {
    if (this.#live || this.#position < this.#recoverTo) return;
    this.#live = true;
    for (const key of this.#dues.passed(this.#streamTime)) this.#touched.add(key);
  }

  #decide(key: string): void {
    const [client, transaction] = key.split('\n') as [string, string];
    const state = this.#states.get(client, transaction);
    let decision = decide(state, this.#streamTime, this.#rules);
    if (decision.kind === 'give') {
      this.#give(state, decision.status);
      decision = decide(state, this.#streamTime, this.#rules);
    }
    this.#unsavedTransactions.add(key);
    this.#dues.set(key, decision.kind === 'wait' ? decision.due : undefined);
  }

  #give(state: TransactionState, status: 'complete' | 'partial'): void {
    const content = fitted(summarise(state, status), this.#rules.maxSummaryBytes);
    const digest = digestOf(content);
    state.changed = false;
    if (state.given?.digest === digest) return;
    const revision = (state.given?.revision ?? 0) + 1;
    state.given = { revision, digest, at: this.#streamTime };
    this.#owed.push(summaryRecord(state, { ...content, revision }, digest, this.#eventTime(state, status)));
  }

  /** A summary happens when the last event that it covers does, or at the deadline that it was given for. */
  #eventTime(state: TransactionState, status: 'complete' | 'partial'): number {
    const deadline = status === 'partial' ? deadlineOf(state, this.#rules) : undefined;
    return Math.max(state.lastTime, deadline ?? 0);
  }

  #storedTransaction(key: string): StoredTransaction {
    const { client, transaction, lastTime, given, changed } = this.#states.peek(key)!;
    return { client, transaction, lastTime, due: this.#dues.get(key), given, changed };
  }
}

/** The token travels on from submissions only, and a summary's content is known by its digest: neither is kept otherwise. */
function storedFact({ event, time, granted, said }: Fact): StoredFact {
  const bearing = granted && (said.kind === 'accepted' || said.kind === 'opened' || said.kind === 'closed');
  return {
    event: {
      ...event,
      token: bearing ? event.token : '',
      payload: said.kind === 'summary' ? new Uint8Array() : event.payload,
    },
    time,
    granted,
  };
}
