/** This node among the firehose nodes: what it holds, how far that is, who the others are, and where a request belongs. */
import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { Bounds } from '../../journal/reading.ts';
import { ConfigError } from '../../protocol/config/load.ts';
import { type FirehoseNode, PartitionState } from '../../protocol/generated/node/v1m0/node_pb.js';
import type { Log } from '../../protocol/log/log.ts';
import { nodeName } from '../../protocol/node-name.ts';
import type { Readiness } from '../../protocol/role.ts';
import type { FirehoseConfig } from '../config.ts';
import type { OpenedPartition } from '../journaler/messages.ts';
import type { Journals } from '../journals/journals.ts';
import { Forwarder } from './forward.ts';
import { Membership } from './membership.ts';
import { NodeDirectory } from './node-directory.ts';
import type { PartitionReport } from './partition-standing.ts';
import { Placement } from './placement.ts';
import { Standings } from './standings.ts';

const STATES = {
  rebuilding: PartitionState.REBUILDING,
  catching_up: PartitionState.CATCHING_UP,
  ready: PartitionState.READY,
} as const satisfies Record<PartitionReport['state'], PartitionState>;

export interface NodeParts {
  readonly log: Log;
  readonly logger: Logger;
  readonly journals: Journals;
  readonly config: FirehoseConfig['node'];
  readonly dataFolder: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export class Node {
  readonly id: string;
  readonly directory = new NodeDirectory();
  readonly standings: Standings;
  readonly placement: Placement;
  /** undefined: clients are redirected. */
  readonly forwarder: Forwarder | undefined;
  readonly #parts: NodeParts;
  #membership!: Membership;
  #bounds: ReadonlyMap<number, Bounds> = new Map();

  private constructor(parts: NodeParts) {
    const { log, logger, journals, config, now } = parts;
    this.#parts = parts;
    this.id = config.id || defaultId(parts.dataFolder);
    this.standings = new Standings({
      log,
      journals,
      maxDelayMs: config.maxDelayMs,
      changed: () => this.#membership?.announce(),
      onError: (err) => logger.debug({ err }, 'the ends of the log cannot be had now'),
      now,
    });
    const { directory, standings } = this;
    this.placement = new Placement({ id: this.id, journals, standings, directory, random: Math.random });
    this.forwarder = config.elsewhere === 'forward' ? new Forwarder(this.id) : undefined;
  }

  /** Resolves once this node follows what the others say. @throws {ConfigError} */
  static async join(parts: NodeParts): Promise<Node> {
    const { announceMs, expireMs } = parts.config;
    if (expireMs < 2 * announceMs)
      throw new ConfigError(`--firehose-node-expire-ms is at least twice --firehose-node-announce-ms, not ${expireMs}`);
    const node = new Node(parts);
    const { log, logger, config, now } = parts;
    try {
      node.#membership = await Membership.join({
        log,
        directory: node.directory,
        describe: () => node.#describe(),
        refreshMs: config.announceMs,
        logger,
        now,
      });
    } catch (error) {
      node.standings.close();
      throw error;
    }
    return node;
  }

  opened(total: number, partitions: readonly OpenedPartition[]): void {
    this.standings.opened(total, partitions);
  }

  readiness(): Readiness {
    const all = this.standings.all();
    const behind = all.filter(([, { state }]) => state !== 'ready');
    if (behind.length > 0) return { ready: false, detail: behind.map(inWords).join('; ') };
    // A node without partitions is of use only if it knows those that have them.
    if (!this.#membership.isCurrent) return { ready: false, detail: 'the other nodes have not been heard yet' };
    return { ready: true, detail: `${all.length} partitions are caught up` };
  }

  /** Nobody is sent here any more, and nothing new is served. */
  async leave(): Promise<void> {
    this.placement.leave();
    this.standings.close();
    await this.#membership.leave();
  }

  async close(): Promise<void> {
    await this.forwarder?.close();
  }

  #describe(): FirehoseNode {
    const { journals, config, logger } = this.#parts;
    try {
      this.#bounds = journals.bounds();
    } catch (err) {
      // A disk that does not answer now is for the readers to meet: what was known of it stays said.
      logger.warn({ err }, 'the journals cannot be looked at now');
    }
    const bounds = this.#bounds;
    return {
      id: this.id,
      url: config.advertisedUrl,
      epoch: journals.knownEpoch ?? '',
      expiresAfterMs: config.expireMs,
      partitions: this.standings.all().map(([partition, { state, lag, progress }]) => ({
        partition,
        state: STATES[state],
        lag,
        progress,
        earliest: bounds.get(partition)?.earliest ?? 0,
      })),
    };
  }
}

/** Alike after every restart. Clients see it in the names of streams, and need not know what hosts are called. */
function defaultId(dataFolder: string): string {
  return createHash('sha256').update(nodeName(dataFolder)).digest('hex').slice(0, 12);
}

function inWords([partition, { state, lag, progress }]: readonly [number, PartitionReport]): string {
  const what = state === 'rebuilding' ? 'is being rebuilt' : 'is catching up';
  return `partition ${partition} ${what}: ${Math.floor(progress * 100)} %, ${lag} records to go`;
}
