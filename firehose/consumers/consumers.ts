/**
 * Named consumers: checkpoints that the server keeps, and who may move them.
 *
 * They live on the compacted topic consumers-1, which every firehose node reads to its end before it is ready, so a
 * consumer may reconnect to any node. A change counts once its record has come back: then every node sees it alike.
 */
import type { Logger } from 'pino';
import { Consumer } from '../../protocol/generated/consumer/v1m0/consumer_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { Problem } from '../../protocol/http/problem.ts';
import { LogUnavailableError } from '../../protocol/log/errors.ts';
import type { Log, Subscription } from '../../protocol/log/log.ts';
import { CONSUMERS_TOPIC } from '../../protocol/log/topics.ts';
import { ConsumerTable, consumerKey } from './consumer-table.ts';

const PARTITION = 0;
/** Key of the record that a node writes to learn where the end is. No consumer's: those have a slash. */
const MARK = 'mark';

export interface Checkpoint {
  readonly epoch: string;
  /** Everything up to here has been processed. */
  readonly offset: number;
}

export interface ConsumersOptions {
  readonly maxPerClient: number;
  /** The connection of the consumer has lost it: to another one, or because it was deleted. */
  readonly lost: (client: string, name: string, owner: string | undefined) => void;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export class Consumers {
  readonly #log: Log;
  readonly #options: ConsumersOptions;
  readonly #table = new ConsumerTable();
  readonly #waiting = new Set<{ readonly offset: number; readonly resolve: () => void }>();
  #applied = -1;
  #subscription: Subscription | undefined;

  private constructor(log: Log, options: ConsumersOptions) {
    this.#log = log;
    this.#options = options;
  }

  /** Resolves once everything that was there has been read. */
  static async open(log: Log, options: ConsumersOptions): Promise<Consumers> {
    const consumers = new Consumers(log, options);
    await consumers.#follow();
    return consumers;
  }

  get(client: string, name: string): Consumer | undefined {
    return this.#table.get(client, name);
  }

  list(client: string): Consumer[] {
    return this.#table.list(client);
  }

  /**
   * Gives the consumer to a connection; the one that had it is fenced.
   *
   * @param start where a consumer begins that is new
   * @throws {Problem} too many consumers, or the log does not answer
   */
  async takeOver(client: string, name: string, owner: string, start: () => Promise<Checkpoint>): Promise<Consumer> {
    for (;;) {
      const known = this.#table.get(client, name);
      if (known === undefined) this.#checkRoom(client);
      const { epoch, offset } = known ?? (await start());
      const checkpointTime = known?.checkpointTime ?? this.#time();
      const generation = (known?.generation ?? 0) + 1;
      await this.#write({ client, name, epoch, offset, checkpointTime, generation, owner });
      const now = this.#table.get(client, name);
      // Another connection took it at the same moment and came first: then it is the one to be fenced.
      if (now?.owner === owner) return now;
    }
  }

  /**
   * Moves the checkpoint, forwards or back; creates the consumer where it is new.
   *
   * @param owner the connection that says so; undefined where none does
   * @throws {Problem} consumer-conflict: the connection has lost the consumer
   */
  async checkpoint(client: string, name: string, to: Checkpoint, owner?: string): Promise<Consumer> {
    const known = this.#table.get(client, name);
    if (known === undefined) this.#checkRoom(client);
    this.#checkOwner(known, owner);
    await this.#write({
      client,
      name,
      ...to,
      checkpointTime: this.#time(),
      generation: known?.generation ?? 0,
      owner: known?.owner ?? '',
    });
    const now = this.#table.get(client, name);
    this.#checkOwner(now, owner);
    return now!;
  }

  /** @throws {Problem} not-found */
  async remove(client: string, name: string): Promise<void> {
    if (this.#table.get(client, name) === undefined) {
      throw new Problem('not-found', `There is no consumer '${name}'.`);
    }
    await this.#produce(consumerKey(client, name), null);
  }

  async close(): Promise<void> {
    await this.#subscription?.close();
  }

  #checkOwner(known: Consumer | undefined, owner: string | undefined): void {
    if (owner === undefined || known?.owner === owner) return;
    throw new Problem('consumer-conflict', `Stream ${owner} does not have the consumer (any more).`, {
      members: { stream: known?.owner ?? null },
    });
  }

  #checkRoom(client: string): void {
    if (this.#table.count(client) < this.#options.maxPerClient) return;
    const { maxPerClient: limit } = this.#options;
    throw new Problem('rate-limited', `This client has ${limit} consumers, which is the most: delete one.`, {
      members: { limit },
    });
  }

  #time(): Timestamp {
    return Timestamp.fromDate(new Date(this.#options.now()));
  }

  #write(consumer: Consumer): Promise<void> {
    return this.#produce(consumerKey(consumer.client, consumer.name), Consumer.toBinary(consumer));
  }

  async #produce(key: string, value: Uint8Array | null): Promise<void> {
    try {
      const [produced] = await this.#log.produce(CONSUMERS_TOPIC, [{ key, value }]);
      await this.#reached(produced!.offset);
    } catch (cause) {
      if (!(cause instanceof LogUnavailableError)) throw cause;
      throw new Problem('unavailable', 'The checkpoint cannot be kept now.', { retryAfterSeconds: 1, cause });
    }
  }

  async #follow(): Promise<void> {
    const mark = (await this.#log.watermarks(CONSUMERS_TOPIC)).find(({ partition }) => partition === PARTITION);
    this.#subscription = await this.#log.follow({
      topic: CONSUMERS_TOPIC,
      from: new Map([[PARTITION, mark?.earliest ?? 0]]),
      onBatch: async ({ records }) => {
        for (const { key, value } of records) this.#apply(key, value);
        this.#advance(records.at(-1)!.offset);
      },
      onError: (error) => this.#options.logger.warn({ err: error }, 'consumers cannot be read'),
    });
    // Compaction may have taken the last records, so their offsets may never come; that of one's own record does.
    await this.#produce(MARK, null);
  }

  #apply(key: string, value: Uint8Array | null): void {
    try {
      const change = this.#table.apply(key, value);
      if (change.kind === 'fenced') {
        const { client, name, owner } = change.consumer;
        this.#options.lost(client, name, owner);
      } else if (change.kind === 'removed') this.#options.lost(change.client, change.name, undefined);
    } catch (error) {
      this.#options.logger.error({ err: error, key }, 'a record of consumers-1 is not understood and left out');
    }
  }

  #advance(offset: number): void {
    this.#applied = Math.max(this.#applied, offset);
    for (const waiter of this.#waiting) {
      if (waiter.offset > this.#applied) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }

  #reached(offset: number): Promise<void> {
    if (offset <= this.#applied) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ offset, resolve }));
  }
}
