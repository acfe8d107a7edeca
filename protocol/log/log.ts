/**
 * The log between services: partitioned, ordered within a partition, acknowledged, replayable.
 *
 * Two implementations, `embedded/` (SQLite in the data folder) and `kafka/`, run the same contract
 * suite (test/contract/log.ts). Nothing outside those two folders may know which one it has.
 */

export interface ProduceRecord {
  /** Decides the partition (murmur2, as Kafka's own default partitioner) and, in compacted topics, the entity. */
  readonly key: string;
  /** null deletes the entity in a compacted topic. */
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  /** Strictly increasing within the partition, not necessarily dense. */
  readonly offset: number;
  /** Milliseconds since the epoch: when the log took the record. */
  readonly timestamp: number;
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ProducedRecord {
  readonly partition: number;
  readonly offset: number;
}

/** Consecutive records of one partition. The handler owns them until its promise settles. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  /** At least one, ascending by offset. */
  readonly records: readonly LogRecord[];
  /** The offset that the next record produced to this partition would get, as known when the batch was fetched. */
  readonly end: number;
  /** Aborted when the partition is taken away or the subscription closes: what is not finished will go to someone else. */
  readonly signal: AbortSignal;
  /**
   * Says that every record up to and including `offset` is done, so that its position may be committed
   * before the whole batch is. A handler that returns normally has finished all of its batch.
   */
  finished(offset: number): void;
}

export type BatchHandler = (batch: Batch) => Promise<void>;

interface ConsumeOptions {
  /**
   * Called with one batch at a time per partition; partitions run side by side. While it is pending nothing
   * more is fetched for that partition: that is the back-pressure. If it throws, the unfinished records come
   * again after a growing pause; a handler deals with poisoned records itself and throws only for
   * what may pass (a log or disk that is not there).
   */
  readonly onBatch: BatchHandler;
  /** Told of every throw of onBatch (but for those after its signal was aborted) and every fault of the log that is being retried. */
  readonly onError?: (error: unknown) => void;
  /** Most records in a batch. Default 500. */
  readonly maxBatchRecords?: number;
  /** Most bytes of values in a batch (one record may exceed it alone). Default 8 MiB. */
  readonly maxBatchBytes?: number;
}

export interface SubscribeOptions extends ConsumeOptions {
  /** Members of one group share the partitions; each partition has one owner at a time. */
  readonly group: string;
  readonly topics: readonly string[];
  /** Where to begin in a partition for which the group has committed nothing. Default 'earliest'. */
  readonly startAt?: 'earliest' | 'latest';
  /**
   * Called before the first batch of newly assigned partitions. May return, per partition, the offset to start at
   * in place of the committed one: for consumers that keep their position with their own state. Called once per
   * topic; repeated after a pause if it throws. A start past the end ends the subscription with OffsetOutOfRangeError.
   */
  readonly onAssigned?: (partitions: readonly TopicPartition[]) => Promise<ReadonlyMap<number, number> | undefined>;
  /** Called after the last batch of partitions that are taken away has settled. */
  readonly onRevoked?: (partitions: readonly TopicPartition[]) => Promise<void>;
}

export interface FollowOptions extends ConsumeOptions {
  readonly topic: string;
  /**
   * First offset wanted per partition. No group, no commits: the handler's own store keeps the position. An offset
   * that has been retired starts at the earliest there is; one past the end makes `follow` reject with
   * OffsetOutOfRangeError, since then the log is not the one that the position came from.
   */
  readonly from: ReadonlyMap<number, number>;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface Subscription {
  /** Stops fetching, waits for pending handlers, commits what they finished, leaves the group. Idempotent. Not to be awaited in a handler. */
  close(): Promise<void>;
  /** Settles when the subscription has ended: resolves after close, rejects if it ended on an error that retrying cannot mend. */
  readonly ended: Promise<void>;
}

export interface Watermarks {
  readonly partition: number;
  /** Offset of the oldest record still held (equal to `end` where there is none). */
  readonly earliest: number;
  /** Offset that the next record will get. */
  readonly end: number;
}

export interface PartitionLag extends Watermarks {
  /** Next offset that the group will read; undefined where it has committed none. */
  readonly committed: number | undefined;
  /** Records between the committed position (or the earliest) and the end. */
  readonly lag: number;
}

export interface TopicDefinition {
  readonly name: string;
  readonly partitions: number;
  /** event: delete after retention; entity: keep the latest record of each key. */
  readonly kind: 'events' | 'entity';
  /** Records older than this may be deleted. undefined: never by age. */
  readonly retentionMs: number | undefined;
  /** A partition larger than this may lose its oldest records. undefined: never by size. */
  readonly retentionBytes: number | undefined;
  readonly maxMessageBytes: number;
  /** Copies of each partition. The embedded log has one whatever this says. */
  readonly replication: number;
  /** The service that answers for the topic. */
  readonly owner: string;
}

export interface TopicDescription {
  readonly definition: TopicDefinition;
  /** Names this incarnation of the topic: changes when it is recreated or repartitioned. [0-9a-z]+ */
  readonly epoch: string;
}

export interface Log {
  /**
   * Appends records, in order per partition, and resolves when they are acknowledged as durable.
   * @throws {RecordTooLargeError} a value exceeds the topic's maxMessageBytes; nothing was appended
   * @throws {LogUnavailableError} the log cannot acknowledge now; whether records were appended is unknown, repeating is safe for consumers that drop repeated message ids
   */
  produce(topic: string, records: readonly ProduceRecord[]): Promise<ProducedRecord[]>;
  /** Consumes as a member of a group. Resolves once joined. */
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  /** Consumes given partitions from given positions. Resolves once positioned. */
  follow(options: FollowOptions): Promise<Subscription>;

  /** Creates the topics that do not exist. Leaves existing ones as they are. */
  createTopics(definitions: readonly TopicDefinition[]): Promise<void>;
  /** @throws {UnknownTopicError} */
  describeTopic(name: string): Promise<TopicDescription>;
  listTopics(): Promise<string[]>;
  /**
   * Changes limits, retention and the number of partitions of an existing topic. More partitions start a new epoch,
   * since keys move. @throws {UnknownTopicError} @throws {TypeError} fewer partitions or another kind: the topic would have to be recreated
   */
  alterTopic(definition: TopicDefinition): Promise<void>;
  deleteTopic(name: string): Promise<void>;
  watermarks(topic: string): Promise<Watermarks[]>;
  lag(group: string, topic: string): Promise<PartitionLag[]>;
  /** First offset in each partition whose timestamp is at or after `time` (ms); the end where there is none. */
  offsetsAt(topic: string, time: number): Promise<ReadonlyMap<number, number>>;
  /** Moves a group's committed positions. Only while no member is connected. @throws {GroupActiveError} */
  commitOffsets(group: string, topic: string, offsets: ReadonlyMap<number, number>): Promise<void>;
  /** Closes every subscription, then the log. Idempotent. */
  close(): Promise<void>;
}
