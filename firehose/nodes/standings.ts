/** Watches how far the journals of this node are behind the log. */
import type { Log, Watermarks } from '../../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import type { OpenedPartition } from '../journaler/messages.ts';
import type { Journals } from '../journals/journals.ts';
import { type PartitionReport, PartitionStanding } from './partition-standing.ts';

/** While something catches up: how soon it is found to be done. */
const BUSY_MS = 100;
const IDLE_MS = 1_000;

export interface StandingsOptions {
  readonly log: Log;
  readonly journals: Journals;
  readonly maxDelayMs: number;
  /** Told when a partition's state is another. */
  readonly changed: () => void;
  /** Told of every look that could not be had. */
  readonly onError: (error: unknown) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export class Standings {
  readonly #options: StandingsOptions;
  #held = new Map<number, PartitionStanding>();
  #total: number | undefined;
  #areOpen = false;
  #states = '';
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: StandingsOptions) {
    this.#options = options;
    void this.#look();
  }

  /** Partitions of results-1; undefined until the log has been asked. */
  get total(): number | undefined {
    return this.#total;
  }

  /** What this node holds is known. */
  get areOpen(): boolean {
    return this.#areOpen;
  }

  /** The journals have been opened, maybe anew. */
  opened(total: number, partitions: readonly OpenedPartition[]): void {
    const { maxDelayMs, now } = this.#options;
    this.#total = total;
    this.#areOpen = true;
    const time = now();
    this.#held = new Map(
      partitions.map(({ partition, ...facts }) => [partition, new PartitionStanding({ ...facts, time }, maxDelayMs)]),
    );
    this.#tellChange();
    clearTimeout(this.#timer);
    this.#again();
  }

  /** undefined: not held here, or not opened yet. */
  of(partition: number): PartitionReport | undefined {
    return this.#held.get(partition)?.at(this.#options.now());
  }

  /** Ascending by partition. */
  all(): [partition: number, report: PartitionReport][] {
    const time = this.#options.now();
    return [...this.#held].map(([partition, standing]) => [partition, standing.at(time)]);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    try {
      const watermarks = await this.#options.log.watermarks(RESULTS_TOPIC);
      if (this.#closed) return;
      this.#total ??= watermarks.length;
      this.#take(watermarks);
    } catch (error) {
      this.#options.onError(error);
    }
    this.#tellChange();
    this.#again();
  }

  #take(watermarks: readonly Watermarks[]): void {
    const { journals, now } = this.#options;
    const positions = journals.positions();
    for (const { partition, end } of watermarks) {
      const position = positions.get(partition);
      if (position !== undefined) this.#held.get(partition)?.saw(position, end, now());
    }
  }

  #again(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const isBusy = this.all().some(([, { state }]) => state !== 'ready');
    this.#timer = setTimeout(() => void this.#look(), isBusy ? BUSY_MS : IDLE_MS).unref();
  }

  #tellChange(): void {
    const states = this.all()
      .map(([partition, { state }]) => `${partition}:${state}`)
      .join();
    if (states === this.#states) return;
    this.#states = states;
    this.#options.changed();
  }
}
