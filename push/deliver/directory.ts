/**
 * All endpoints of this process: makes their workers, wakes them when something was journaled for them, and stores together, now
 * and then, how far each has got.
 */
import type { Logger } from 'pino';
import { type JournalReader, openJournalReader } from '../../journal/reader.ts';
import { partitionOf } from '../../protocol/log/partitioner.ts';
import { pushGrant, readPushGrant } from '../../protocol/webhook/grant.ts';
import type { SealingKeys } from '../../protocol/webhook/sealing.ts';
import type { WebhookChange } from '../../protocol/webhook/webhook-record.ts';
import type { Endpoint } from '../endpoint.ts';
import type { PushMetrics } from '../metrics.ts';
import type { DeliveryStore } from '../store/delivery-store.ts';
import { journalFolder } from '../write/journal-folder.ts';
import type { FromJournaler } from '../write/messages.ts';
import { EndpointWorker } from './endpoint-worker.ts';
import type { DeliveryOptions } from './options.ts';
import { framesOf } from './read-frames.ts';
import { openSigningKeys } from './signing-keys.ts';
import type { WorkerDependencies } from './worker-dependencies.ts';

export interface DirectoryDependencies
  extends Pick<WorkerDependencies, 'openSender' | 'room' | 'notify' | 'now' | 'random' | 'logger'> {
  /** Folder of the journals. */
  readonly folder: string;
  readonly store: DeliveryStore;
  readonly sealingKeys: SealingKeys;
  readonly metrics: PushMetrics;
  readonly logger: Logger;
  /** How many notices the log has not taken yet. */
  readonly notices: () => number;
}

export interface DirectoryOptions extends DeliveryOptions {
  readonly groupMs: number;
  readonly groupMessages: number;
}

/** How long requests under way may take when the process is told to stop. */
const STOP_MS = 5_000;

export class Directory {
  readonly #to: DirectoryDependencies;
  readonly #options: DirectoryOptions;
  readonly #workers = new Map<string, EndpointWorker>();
  readonly #readers = new Map<number, JournalReader>();
  /** The latest change of each client's webhook. */
  readonly #changes = new Map<string, WebhookChange>();
  readonly #saving: NodeJS.Timeout;
  #epoch: string | undefined;
  #partitionCount = 0;
  #finished = 0;

  constructor(to: DirectoryDependencies, options: DirectoryOptions) {
    this.#to = to;
    this.#options = options;
    this.#saving = setInterval(() => this.save(), options.groupMs);
  }

  /** undefined until the journals are open. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** What the write side tells. */
  hear(news: FromJournaler): void {
    const { logger, metrics } = this.#to;
    switch (news.kind) {
      case 'following':
        this.#partitionCount = news.partitionCount;
        this.#open(news.epoch, news.partitions);
        for (const endpoint of news.endpoints) this.#configure(endpoint);
        break;
      case 'endpoint':
        this.#configure(news.endpoint);
        break;
      case 'appended':
        metrics.journaled(news.messages);
        metrics.lag(news.partition, news.lag);
        for (const key of news.endpoints) this.#workers.get(key)?.wake();
        break;
      case 'skipped':
        metrics.skipped(news.why);
        logger.debug(news, 'a record is not pushed');
        break;
      case 'gap':
        logger.warn(news, 'results-1 has retired records before push took them in: clients with a webhook are told');
        for (const worker of this.#workers.values())
          if (worker.endpoint.partition === news.partition) worker.missed(news.from - 1, news.earliest - 1);
        break;
      case 'moved-aside':
        logger.error(news, 'a damaged push journal was moved aside and is rebuilt from the log');
        break;
      case 'trouble':
        logger.warn(news, 'the push journaler cannot go on');
    }
  }

  /** A client has set or withdrawn its webhook: effective now, not only with its next token. */
  changed(change: WebhookChange): void {
    this.#changes.set(change.client, change);
    for (const worker of this.#workers.values())
      if (worker.endpoint.client === change.client) this.#apply(worker, change);
  }

  /** Whether it is this process that pushes the client's messages. Only where `epoch` is known. */
  pushesFor(client: string): boolean {
    return this.#readers.has(partitionOf(client, this.#partitionCount));
  }

  worker(key: string): EndpointWorker | undefined {
    return this.#workers.get(key);
  }

  /** Offset of the next record that each journal takes in, by partition. */
  positions(): ReadonlyMap<number, number> {
    return new Map([...this.#readers].map(([partition, reader]) => [partition, reader.bounds().position]));
  }

  /** Offsets of the partition's journal: `end` is the offset of the next record to be taken in. */
  bounds(partition: number): { earliest: number; end: number } | undefined {
    const bounds = this.#readers.get(partition)?.bounds();
    return bounds === undefined ? undefined : { earliest: bounds.earliest, end: bounds.position };
  }

  /** Stores how far every endpoint has got. */
  save(): void {
    const moved = [...this.#workers.values()].flatMap((worker) => {
      const progress = worker.takeProgress();
      return progress === undefined ? [] : [{ worker, progress }];
    });
    this.#finished = 0;
    if (moved.length === 0) return;
    try {
      this.#to.store.saveProgress(moved.map(({ progress }) => progress));
    } catch (error) {
      for (const { worker } of moved) worker.keepProgress();
      this.#to.logger.error({ err: error }, 'how far the webhooks have got cannot be stored');
    }
  }

  /** For metrics: endpoints by state, and what waits for them. */
  observe(): void {
    const { metrics, room, notices } = this.#to;
    const counts = { well: 0, failing: 0, parked: 0, disabled: 0 };
    let [waiting, full, inFlight, heldBytes] = [0, 0, 0, 0];
    for (const worker of this.#workers.values()) {
      const status = worker.status();
      const load = worker.load();
      counts[status.state] += 1;
      waiting += status.waiting;
      inFlight += status.inFlight;
      heldBytes += load.heldBytes;
      if (load.isFull) full += 1;
    }
    metrics.endpoints(counts);
    metrics.queues({ waiting, full, inFlight, heldBytes, room: room.size, roomTaken: room.taken, notices: notices() });
  }

  async stop(): Promise<void> {
    clearInterval(this.#saving);
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop(STOP_MS)));
    this.save();
    for (const reader of this.#readers.values()) reader.close();
  }

  /** The journals can be read, possibly not for the first time: their files may have been replaced. */
  #open(epoch: string, partitions: readonly number[]): void {
    if (this.#epoch !== undefined && this.#epoch !== epoch) {
      // Another incarnation of the log: its offsets mean nothing to the workers of the one before.
      for (const worker of this.#workers.values()) void worker.stop(0);
      this.#workers.clear();
    }
    this.#epoch = epoch;
    for (const partition of partitions) {
      this.#readers.get(partition)?.close();
      this.#readers.set(partition, openJournalReader(journalFolder(this.#to.folder, epoch, partition)));
    }
  }

  #configure(endpoint: Endpoint): void {
    if (!this.#readers.has(endpoint.partition)) return;
    const worker = this.#workers.get(endpoint.key) ?? this.#make(endpoint);
    void openSigningKeys(this.#to.sealingKeys, endpoint, this.#to.logger).then((keys) => {
      if (endpoint.issuedAt >= worker.endpoint.issuedAt) worker.configure(endpoint, keys);
      const change = this.#changes.get(endpoint.client);
      if (change !== undefined) this.#apply(worker, change);
    });
  }

  #apply(worker: EndpointWorker, { webhook, time }: WebhookChange): void {
    const { endpoint } = worker;
    if (webhook === undefined) {
      // A token from before the withdrawal does not bring the webhook back, one from after another opt-in does.
      if (endpoint.grant.verified <= time) worker.withdraw(time);
      return;
    }
    if (webhook.url !== endpoint.grant.url) return;
    const grant = readPushGrant(pushGrant(webhook, this.#to.now()));
    if (grant === undefined || grant.verified < endpoint.grant.verified) return;
    const current: Endpoint = { ...endpoint, grant, issuedAt: Math.max(endpoint.issuedAt, grant.verified) };
    void openSigningKeys(this.#to.sealingKeys, current, this.#to.logger).then((keys) => {
      if (worker.endpoint.grant.verified <= grant.verified) worker.configure(current, keys);
    });
  }

  #make(endpoint: Endpoint): EndpointWorker {
    const { store, openSender, room, notify, metrics, logger, now, random } = this.#to;
    const epoch = this.#epoch!;
    const worker = new EndpointWorker(
      endpoint,
      store.progress(endpoint.key, epoch),
      {
        epoch,
        read: framesOf(() => this.#readers.get(endpoint.partition)!, endpoint.key),
        store,
        openSender,
        room,
        notify,
        finished: (messages) => this.#count(messages),
        metrics,
        logger,
        now,
        random,
      },
      this.#options,
    );
    this.#workers.set(endpoint.key, worker);
    return worker;
  }

  #count(messages: number): void {
    this.#finished += messages;
    if (this.#finished >= this.#options.groupMessages) this.save();
  }
}
