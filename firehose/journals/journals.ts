/**
 * The journals of this node as its readers see them: which one a client's entries lie in, and where the positions of the
 * client begin and end.
 */
import { join } from 'node:path';
import { type JournalReader, openJournalReader } from '../../journal/reader.ts';
import type { Bounds } from '../../journal/reading.ts';
import { partitionOf } from '../../protocol/log/partitioner.ts';

/** The journals are not open (yet, or again): the request is answered 503. */
export class JournalsNotOpenError extends Error {
  override readonly name = 'JournalsNotOpenError';
}

export class Journals {
  readonly #folder: string;
  #epoch: string | undefined;
  /** Partitions of results-1, of which this node may hold only some. */
  #total = 0;
  #readers = new Map<number, JournalReader>();

  /** @param folder holds one folder for each partition */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Opens the journals, again if need be: their files may have been replaced.
   *
   * @param total partitions of results-1
   * @param held those that this node journals
   */
  open(epoch: string, total: number, held: readonly number[]): void {
    const opened = new Map<number, JournalReader>();
    try {
      for (const partition of held) opened.set(partition, openJournalReader(join(this.#folder, String(partition))));
    } catch (error) {
      for (const reader of opened.values()) reader.close();
      throw error;
    }
    this.close();
    this.#readers = opened;
    this.#total = total;
    this.#epoch = epoch;
  }

  /** @throws {JournalsNotOpenError} */
  get epoch(): string {
    if (this.#epoch === undefined) throw new JournalsNotOpenError('the journals are not open yet');
    return this.#epoch;
  }

  /** undefined: they have not been opened yet. */
  get knownEpoch(): string | undefined {
    return this.#epoch;
  }

  partitionOf(client: string): number {
    return partitionOf(client, this.#total);
  }

  /** @throws {JournalsNotOpenError} also where another node has the client's */
  of(client: string): JournalReader {
    const reader = this.#total === 0 ? undefined : this.#readers.get(this.partitionOf(client));
    if (reader === undefined) throw new JournalsNotOpenError('the journal of the client is not open');
    return reader;
  }

  /** Of each partition's journal; empty while they are not open. */
  bounds(): ReadonlyMap<number, Bounds> {
    return new Map([...this.#readers].map(([partition, reader]) => [partition, reader.bounds()]));
  }

  /** Offset of the next record that each partition's journal will take; empty while they are not open. */
  positions(): ReadonlyMap<number, number> {
    return new Map([...this.bounds()].map(([partition, { position }]) => [partition, position]));
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers = new Map();
  }
}
