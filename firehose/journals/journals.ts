/**
 * The journals of this node as its readers see them: which one a client's entries lie in, and where the positions of the
 * client begin and end.
 */
import { join } from 'node:path';
import { type JournalReader, openJournalReader } from '../../journal/reader.ts';
import { partitionOf } from '../../protocol/log/partitioner.ts';

/** The journals are not open (yet, or again): the request is answered 503. */
export class JournalsNotOpenError extends Error {
  override readonly name = 'JournalsNotOpenError';
}

export class Journals {
  readonly #folder: string;
  #epoch: string | undefined;
  #readers: JournalReader[] = [];

  /** @param folder holds one folder for each partition */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Opens the journals, again if need be: their files may have been replaced. */
  open(epoch: string, partitions: readonly number[]): void {
    const opened: JournalReader[] = [];
    try {
      for (const partition of [...partitions].sort((a, b) => a - b)) {
        opened.push(openJournalReader(join(this.#folder, String(partition))));
      }
    } catch (error) {
      for (const reader of opened) reader.close();
      throw error;
    }
    this.close();
    this.#readers = opened;
    this.#epoch = epoch;
  }

  /** @throws {JournalsNotOpenError} */
  get epoch(): string {
    if (this.#epoch === undefined) throw new JournalsNotOpenError('the journals are not open yet');
    return this.#epoch;
  }

  get partitions(): number {
    return this.#readers.length;
  }

  partitionOf(client: string): number {
    return partitionOf(client, this.#readers.length);
  }

  /** @throws {JournalsNotOpenError} */
  of(client: string): JournalReader {
    if (this.#readers.length === 0) throw new JournalsNotOpenError('the journals are not open yet');
    return this.#readers[this.partitionOf(client)]!;
  }

  /** Offset of the next record that each partition's journal will take; empty while they are not open. */
  positions(): ReadonlyMap<number, number> {
    return new Map(this.#readers.map((reader, partition) => [partition, reader.bounds().position]));
  }

  close(): void {
    for (const reader of this.#readers) reader.close();
    this.#readers = [];
  }
}
