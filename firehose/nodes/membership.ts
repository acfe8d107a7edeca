/**
 * Makes this node known to the others, and the others to it: each says on the compacted topic nodes-1 who it is and how its
 * partitions are, every so often and whenever that changes.
 */
import type { Logger } from 'pino';
import { FirehoseNode } from '../../protocol/generated/node/v1m0/node_pb.js';
import type { Log, LogRecord, Subscription } from '../../protocol/log/log.ts';
import { NODES_TOPIC } from '../../protocol/log/topics.ts';
import type { NodeDirectory } from './node-directory.ts';

export interface MembershipOptions {
  readonly log: Log;
  readonly directory: NodeDirectory;
  /** What there is to say now. */
  readonly describe: () => FirehoseNode;
  readonly refreshMs: number;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const LEAVE_MS = 2_000;

export class Membership {
  readonly #options: MembershipOptions;
  readonly #refresh: NodeJS.Timeout;
  #subscription: Subscription | undefined;
  #announcing: Promise<void> | undefined;
  #announceAgain = false;
  #left = false;
  /** Offset of this node's first words, and the latest offset that was read. */
  #said = Number.POSITIVE_INFINITY;
  #read = -1;

  private constructor(options: MembershipOptions) {
    this.#options = options;
    this.#refresh = setInterval(() => this.announce(), options.refreshMs).unref();
  }

  /** Resolves once the topic is followed; what was on it is known once `isCurrent`. */
  static async join(options: MembershipOptions): Promise<Membership> {
    const membership = new Membership(options);
    try {
      await membership.#follow();
    } catch (error) {
      clearInterval(membership.#refresh);
      throw error;
    }
    membership.announce();
    return membership;
  }

  /** This node has read its own words, and so everything that was said before. */
  get isCurrent(): boolean {
    return this.#read >= this.#said;
  }

  /** Says what there is to say now. Several calls while the log has not acknowledged the one before make one more. */
  announce(): void {
    if (this.#left) return;
    this.#announceAgain = this.#announcing !== undefined;
    if (this.#announceAgain) return;
    const node = this.#options.describe();
    this.#announcing = this.#say(node.id, FirehoseNode.toBinary(node)).finally(() => {
      this.#announcing = undefined;
      if (this.#announceAgain) this.announce();
    });
  }

  /** Tells the others that nobody is to be sent here any more. */
  async leave(): Promise<void> {
    this.#left = true;
    clearInterval(this.#refresh);
    // A log that is away must not keep the process: the others forget this node by themselves in time.
    const late = Promise.withResolvers<void>();
    const timeout = setTimeout(late.resolve, LEAVE_MS);
    await Promise.race([this.#sayGoodbye(), late.promise]);
    clearTimeout(timeout);
    await this.#subscription?.close();
  }

  async #sayGoodbye(): Promise<void> {
    await this.#announcing;
    await this.#say(this.#options.describe().id, null);
  }

  async #say(key: string, value: Uint8Array | null): Promise<void> {
    try {
      const [produced] = await this.#options.log.produce(NODES_TOPIC, [{ key, value }]);
      this.#said = Math.min(this.#said, produced!.offset);
    } catch (error) {
      // The others are as deaf as this node is dumb: the log does not answer, and the next word comes soon.
      this.#options.logger.warn({ err: error }, 'this node cannot be announced now');
    }
  }

  async #follow(): Promise<void> {
    const { log, logger } = this.#options;
    const watermarks = await log.watermarks(NODES_TOPIC);
    this.#subscription = await log.follow({
      topic: NODES_TOPIC,
      from: new Map(watermarks.map(({ partition, earliest }) => [partition, earliest])),
      onBatch: async ({ records }) => {
        for (const record of records) this.#hear(record);
      },
      onError: (error) => logger.warn({ err: error }, 'the other nodes cannot be heard now'),
    });
  }

  #hear({ key, value, timestamp, offset }: LogRecord): void {
    const { directory, logger, now } = this.#options;
    try {
      directory.apply(key, value, timestamp, now());
    } catch (error) {
      logger.error({ err: error, key }, 'a record of nodes-1 is not understood and left out');
    }
    this.#read = offset;
  }
}
