/** The states of transactions in memory, over what the store has of them: those unused for longest are dropped and read again when needed. */
import { saidBy } from './fact.ts';
import { fold } from './fold.ts';
import { keyOf, type PartitionStore } from './store.ts';
import { emptyState, type TransactionState } from './transaction-state.ts';

/** Over all transactions that need no saving. */
const MAX_CACHED_FACTS = 100_000;

export class StateCache {
  readonly #store: PartitionStore;
  readonly #states = new Map<string, TransactionState>();

  constructor(store: PartitionStore) {
    this.#store = store;
  }

  /** From memory or the store; an empty one where neither knows the transaction. */
  get(client: string, transaction: string): TransactionState {
    const key = keyOf(client, transaction);
    const state = this.#states.get(key) ?? this.#load(client, transaction);
    // Last in, last out: a Map keeps the order of insertion.
    this.#states.delete(key);
    this.#states.set(key, state);
    return state;
  }

  /** What memory has, without counting as a use. */
  peek(key: string): TransactionState | undefined {
    return this.#states.get(key);
  }

  /** Call only when everything is saved: what is dropped is read from the store. */
  dropUnused(): void {
    let held = 0;
    for (const state of this.#states.values()) held += state.seen.size;
    for (const [key, state] of this.#states) {
      if (held <= MAX_CACHED_FACTS) return;
      this.#states.delete(key);
      held -= state.seen.size;
    }
  }

  #load(client: string, transaction: string): TransactionState {
    const state = emptyState(client, transaction);
    const stored = this.#store.load(client, transaction);
    if (stored === undefined) return state;
    for (const fact of stored.facts) fold(state, { ...fact, said: saidBy(fact.event) });
    state.given = stored.given;
    state.changed = stored.changed;
    return state;
  }
}
