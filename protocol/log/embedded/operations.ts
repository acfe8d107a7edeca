/**
 * What the thread that owns the log asks of its writer thread, and what comes back: plain data only.
 *
 * The writer has no clock: `now` (ms since the epoch) travels with every operation that needs one.
 */
import type { TopicDefinition } from '../log.ts';

export interface ProduceRequest {
  readonly topic: string;
  readonly now: number;
  readonly keys: readonly string[];
  /** JSON of each record's headers, null where it has none. */
  readonly headers: readonly (string | null)[];
  /** Bytes of each value, -1 for null. */
  readonly lengths: readonly number[];
  /** The values, one after the other. */
  readonly bytes: Uint8Array;
}

export interface ProduceResult {
  readonly partitions: readonly number[];
  readonly offsets: readonly number[];
}

export interface Position {
  readonly slot: number;
  /** Next offset to read. */
  readonly offset: number;
}

/** A partition that a member owns, with the fencing number of that ownership. */
export interface Lease {
  readonly slot: number;
  readonly lease: number;
}

export interface LeasedPosition extends Lease {
  readonly offset: number;
}

export interface ClaimedPartition extends Lease {
  readonly committed: number | undefined;
}

/** Every operation by name. Those of one transaction succeed or fail together where the disk is concerned. */
export interface Operations {
  produce: { request: ProduceRequest; result: ProduceResult };
  createTopics: { request: { definitions: readonly TopicDefinition[] }; result: undefined };
  alterTopic: { request: { definition: TopicDefinition }; result: undefined };
  deleteTopic: { request: { name: string }; result: undefined };
  join: {
    request: { group: string; member: string; topics: readonly string[]; leaseMs: number; now: number };
    result: undefined;
  };
  /** Answers with those of the members that are no longer known: others have taken their partitions. */
  heartbeat: { request: { members: readonly string[]; now: number }; result: readonly string[] };
  /** Answers with those partitions that now belong to the member. */
  claim: {
    request: { group: string; member: string; slots: readonly number[] };
    result: readonly ClaimedPartition[];
  };
  /** Answers with the slots whose lease has passed to someone else; their positions were not stored. */
  commit: { request: { group: string; positions: readonly LeasedPosition[] }; result: readonly number[] };
  release: { request: { group: string; leases: readonly Lease[] }; result: undefined };
  leave: { request: { group: string; member: string }; result: undefined };
  commitOffsets: { request: { group: string; positions: readonly Position[]; now: number }; result: undefined };
  /** Deletes one slice of what retention allows. `more`: there is more to delete at once. */
  retain: { request: { now: number; intervalMs: number }; result: { more: boolean } };
}

export type OperationName = keyof Operations;

/** Operations whose effect must survive a power cut before they are acknowledged. The others are repeated or lapse. */
export const DURABLE: ReadonlySet<OperationName> = new Set([
  'produce',
  'createTopics',
  'alterTopic',
  'deleteTopic',
  'commitOffsets',
]);

export type Failure =
  | { readonly kind: 'unknown-topic'; readonly topic: string }
  | { readonly kind: 'record-too-large'; readonly topic: string; readonly bytes: number; readonly limit: number }
  | { readonly kind: 'group-active'; readonly group: string }
  | { readonly kind: 'invalid'; readonly message: string }
  | { readonly kind: 'unavailable'; readonly message: string };

/** An operation that is refused before it changed anything; the rest of its transaction goes on. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.kind);
    this.failure = failure;
  }
}

export interface Call {
  readonly id: number;
  readonly operation: OperationName;
  readonly request: unknown;
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: Failure };

/** What a transaction changed, told to every thread of the process that has the log open. */
export interface Changes {
  /** New ends of partitions, by slot. */
  readonly ends: readonly (readonly [slot: number, end: number])[];
  readonly topics: boolean;
  readonly groups: boolean;
}

export interface WriterSettings {
  readonly folder: string;
  /** Names this opening of the log among all that share the folder. */
  readonly instance: string;
  readonly channel: string;
  /** How long to wait for another process's transaction before a group of operations fails. */
  readonly busyTimeoutMs: number;
}

export type ToWriter = { readonly calls: readonly Call[] } | { readonly close: true };
export type FromWriter = { readonly ready: true } | { readonly answers: readonly Answer[] } | { readonly closed: true };
