/** Reads one partition in batches of the wanted size, from answers of whatever size the broker gives. */
import { OffsetOutOfRangeError } from '../errors.ts';
import type { LogRecord, TopicPartition } from '../log.ts';
import type { Fetched } from '../partition-consumer.ts';
import { isFault } from './fault.ts';
import type { Fetcher } from './fetcher.ts';
import type { Offsets } from './offsets.ts';
import type { TopicDirectory } from './topic-directory.ts';

export interface BatchLimits {
  readonly records: number;
  readonly bytes: number;
}

export class PartitionReader {
  readonly #fetcher: Fetcher;
  readonly #directory: TopicDirectory;
  readonly #offsets: Offsets;
  readonly #source: TopicPartition;
  readonly #limits: BatchLimits;
  /** What has been fetched last, in use from index `#at` on: the records from offset `#from` up to `#next`. */
  #buffer: readonly LogRecord[] = [];
  #at = 0;
  #from = 0;
  #next = 0;
  #end = 0;
  #incarnation: string | undefined;

  constructor(
    fetcher: Fetcher,
    directory: TopicDirectory,
    offsets: Offsets,
    source: TopicPartition,
    limits: BatchLimits,
  ) {
    this.#fetcher = fetcher;
    this.#directory = directory;
    this.#offsets = offsets;
    this.#source = source;
    this.#limits = limits;
  }

  /**
   * Waits until there is something at or after the position. On abort resolves with nothing.
   * @throws {OffsetOutOfRangeError} the position belongs to another incarnation of the topic
   * @throws {KafkaFault | UnknownTopicError} what may pass
   */
  async fetch(position: number, signal: AbortSignal): Promise<Fetched> {
    if (position < this.#from || position > this.#next) this.#next = position;
    this.#from = position;
    while (this.#at < this.#buffer.length && this.#buffer[this.#at]!.offset < position) this.#at++;
    if (this.#next === position) this.#at = this.#buffer.length;
    while (this.#at === this.#buffer.length && !signal.aborted) {
      await this.#checkIncarnation(position);
      try {
        const { records, end, next } = await this.#fetcher.next(this.#source, this.#next, this.#limits.bytes, signal);
        this.#buffer = records;
        this.#at = 0;
        this.#next = next;
        this.#end = end;
      } catch (error) {
        if (!isFault(error, 'OFFSET_OUT_OF_RANGE')) throw error;
        await this.#skipRetired(position);
      }
    }
    return { records: this.#slice(), end: this.#end };
  }

  async #checkIncarnation(position: number): Promise<void> {
    const { topic, partition } = this.#source;
    const { incarnation } = await this.#directory.topic(topic);
    this.#incarnation ??= incarnation;
    if (incarnation !== this.#incarnation) throw new OffsetOutOfRangeError(topic, partition, position, 0);
  }

  /** Retention was quicker than this reader: goes on with the earliest there is. */
  async #skipRetired(position: number): Promise<void> {
    const { topic, partition } = this.#source;
    const { earliest, end } = (await this.#offsets.watermarks(topic))[partition]!;
    if (position > end) throw new OffsetOutOfRangeError(topic, partition, position, end);
    this.#next = Math.max(position, earliest);
  }

  #slice(): LogRecord[] {
    const slice: LogRecord[] = [];
    let bytes = 0;
    for (let at = this.#at; at < this.#buffer.length; at++) {
      const record = this.#buffer[at]!;
      bytes += record.value?.length ?? 0;
      if (slice.length > 0 && (slice.length === this.#limits.records || bytes > this.#limits.bytes)) break;
      slice.push(record);
    }
    return slice;
  }
}
