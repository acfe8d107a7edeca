/**
 * The write side: validate, persist, then confirm.
 *
 * It follows results-1 from the position that its own journal holds, and journals what a token wants pushed, under the key of
 * the endpoint that the token names. Entries and position commit in one transaction; before that the endpoint book knows
 * every endpoint in them, so the read side never meets one that it cannot place.
 */
import type { NewEntry } from '../../journal/entry.ts';
import { openOrRenewJournal } from '../../journal/open-or-renew.ts';
import type { JournalWriter } from '../../journal/writer.ts';
import type { Batch, Log, LogRecord, Subscription } from '../../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import type { Endpoint } from '../endpoint.ts';
import { EndpointBook } from '../store/endpoint-book.ts';
import { journalFolder } from './journal-folder.ts';
import { recordJournaled } from './journal-spans.ts';
import { messageFrame } from './message-frame.ts';
import type { FromJournaler, JournalerOptions } from './messages.ts';
import { Neighbours, NOBODY } from './neighbours.ts';
import { type OpenToken, type RecordReading, readRecord } from './read-record.ts';

const MAINTAIN_MS = 60_000;
/** Large batches make few commits; the bound keeps what one commit holds in memory small. */
const MAX_BATCH_RECORDS = 5_000;

export interface JournalerDependencies {
  readonly log: Log;
  readonly openToken: OpenToken;
  readonly tell: (message: FromJournaler) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface RunningJournaler {
  /** Rejects when it cannot go on. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

interface PartitionState {
  readonly partition: number;
  readonly writer: JournalWriter;
  readonly neighbours: Neighbours;
  /** Offset of the next record that `neighbours` has not seen. */
  position: number;
}

/** Opens the journals, creating them where needed, and follows results-1. Resolves once it follows. */
export async function startJournaler(
  to: JournalerDependencies,
  options: Omit<JournalerOptions, 'log'>,
): Promise<RunningJournaler> {
  const { epoch } = await to.log.describeTopic(RESULTS_TOPIC);
  const book = new EndpointBook(options.book);
  const journaler = new Journaler(to, options, epoch, book);
  try {
    return await journaler.start();
  } catch (error) {
    journaler.close();
    throw error;
  }
}

class Journaler {
  readonly #to: JournalerDependencies;
  readonly #options: Omit<JournalerOptions, 'log'>;
  readonly #epoch: string;
  readonly #book: EndpointBook;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #partitions = new Map<number, PartitionState>();

  constructor(to: JournalerDependencies, options: Omit<JournalerOptions, 'log'>, epoch: string, book: EndpointBook) {
    this.#to = to;
    this.#options = options;
    this.#epoch = epoch;
    this.#book = book;
    for (const endpoint of book.endpoints()) this.#endpoints.set(endpoint.key, endpoint);
  }

  async start(): Promise<RunningJournaler> {
    const wanted = new Set(this.#options.partitions);
    const all = await this.#to.log.watermarks(RESULTS_TOPIC);
    for (const { partition } of all)
      if (wanted.size === 0 || wanted.has(partition)) this.#partitions.set(partition, this.#open(partition));
    const partitions = [...this.#partitions.keys()];
    const endpoints = [...this.#endpoints.values()];
    this.#to.tell({ kind: 'following', epoch: this.#epoch, partitions, partitionCount: all.length, endpoints });
    for (const { partition, earliest } of all) this.#noteRetired(this.#partitions.get(partition), earliest);
    const subscription = await this.#follow();
    const saving = setInterval(() => this.#try(() => this.#saveNeighbours()), this.#options.groupMs);
    const maintenance = setInterval(() => this.#try(() => this.#maintain()), MAINTAIN_MS);
    return {
      ended: subscription.ended,
      stop: async () => {
        clearInterval(saving);
        clearInterval(maintenance);
        await subscription.close();
        this.#saveNeighbours();
        this.close();
      },
    };
  }

  close(): void {
    for (const { writer } of this.#partitions.values()) writer.close();
    this.#partitions.clear();
    this.#book.close();
  }

  #follow(): Promise<Subscription> {
    return this.#to.log.follow({
      topic: RESULTS_TOPIC,
      from: new Map([...this.#partitions.values()].map(({ partition, position }) => [partition, position])),
      maxBatchRecords: MAX_BATCH_RECORDS,
      onBatch: (batch) => this.#append(this.#partitions.get(batch.partition)!, batch),
      onError: (error) => this.#to.tell({ kind: 'trouble', detail: String(error) }),
    });
  }

  #open(partition: number): PartitionState {
    const folder = journalFolder(this.#options.folder, this.#epoch, partition);
    const writer = this.#openWriter(folder, partition);
    let stored = this.#book.neighbourPosition(partition);
    // Ahead of the journal they are of another epoch, or the journal has been lost: both begin anew.
    if (stored > writer.position) {
      this.#book.forgetNeighbours(partition);
      stored = 0;
    }
    const neighbours = new Neighbours(this.#book.neighbours(partition));
    return { partition, writer, neighbours, position: stored };
  }

  /** The log has it all, with the same offsets: what was pushed stays pushed. */
  #openWriter(folder: string, partition: number): JournalWriter {
    const { retentionMs, volumeSpanMs } = this.#options;
    const options = { epoch: this.#epoch, now: this.#to.now(), retentionMs, volumeSpanMs };
    const { writer, moved } = openOrRenewJournal(folder, `${this.#options.folder}-aside`, options);
    if (moved !== undefined) this.#to.tell({ kind: 'moved-aside', partition, ...moved });
    return writer;
  }

  async #append(state: PartitionState, batch: Batch): Promise<void> {
    if (batch.records[0]!.offset > state.position) {
      // The log may never have had the offsets between, or it may have retired them meanwhile.
      const all = await this.#to.log.watermarks(RESULTS_TOPIC);
      this.#noteRetired(state, all.find(({ partition }) => partition === state.partition)?.earliest ?? 0);
    }
    const readings: RecordReading[] = [];
    for (const record of batch.records)
      readings.push(await readRecord(record, this.#to.openToken, { allowLoopback: this.#options.allowLoopback }));
    if (batch.signal.aborted) return;
    this.#meet(readings);
    const entries = batch.records.flatMap((record, i) => this.#entry(state, record, readings[i]!));
    const position = batch.records.at(-1)!.offset + 1;
    if (position > state.writer.position)
      state.writer.appendBatch({ entries, position, epoch: this.#epoch, now: this.#to.now() });
    state.position = position;
    recordJournaled(readings, this.#to.now());
    this.#to.tell({
      kind: 'appended',
      partition: state.partition,
      messages: entries.length,
      endpoints: [...new Set(entries.map(({ client }) => client))],
      lag: Math.max(0, batch.end - position),
    });
  }

  /** What the log has retired before it was taken in cannot be pushed any more: its clients are to know. @param earliest that the log holds */
  #noteRetired(state: PartitionState | undefined, earliest: number): void {
    if (state === undefined || earliest <= state.position) return;
    state.neighbours.missed(earliest - 1);
    const { partition, writer } = state;
    if (earliest > writer.position) this.#to.tell({ kind: 'gap', partition, from: writer.position, earliest });
    state.position = earliest;
  }

  /** Endpoints that are new or said to be otherwise by a newer token: into the book first, then to the read side. */
  #meet(readings: readonly RecordReading[]): void {
    const met = new Map<string, Endpoint>();
    for (const reading of readings) {
      if (reading.kind !== 'pushed') continue;
      const { endpoint } = reading;
      const known = met.get(endpoint.key) ?? this.#endpoints.get(endpoint.key);
      if (known === undefined || known.issuedAt < endpoint.issuedAt) met.set(endpoint.key, endpoint);
    }
    if (met.size === 0) return;
    this.#book.saveEndpoints([...met.values()]);
    for (const [key, endpoint] of met) {
      this.#endpoints.set(key, endpoint);
      this.#to.tell({ kind: 'endpoint', endpoint });
    }
  }

  #entry(state: PartitionState, { offset }: LogRecord, reading: RecordReading): NewEntry[] {
    const { neighbours } = state;
    switch (reading.kind) {
      case 'pushed': {
        const { event, endpoint, payload } = reading;
        const elsewhere = neighbours.elsewhere(event.client, endpoint.key);
        const frame = messageFrame(this.#epoch, offset, event, payload);
        neighbours.went(event.client, endpoint.key, offset);
        return [
          {
            client: endpoint.key,
            offset,
            time: event.eventTime,
            messageId: event.messageId,
            type: event.type,
            transaction: event.correlationId,
            labels: [],
            confidence: null,
            frame: (prev) => frame(Math.max(prev, elsewhere)),
          },
        ];
      }
      case 'unpushed':
        neighbours.went(reading.client, NOBODY, offset);
        return [];
      case 'refused':
        neighbours.went(reading.client, NOBODY, offset);
        this.#to.tell({ kind: 'skipped', why: 'refused', client: reading.client, detail: reading.detail });
        return [];
      case 'unsound':
        this.#to.tell({ kind: 'skipped', why: 'unsound', detail: reading.detail });
        return [];
    }
  }

  #saveNeighbours(): void {
    for (const { partition, neighbours, position } of this.#partitions.values())
      this.#book.saveNeighbours(partition, neighbours.takeChanged(), position);
  }

  #maintain(): void {
    for (const { writer } of this.#partitions.values()) writer.maintain({ now: this.#to.now() });
  }

  #try(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#to.tell({ kind: 'trouble', detail: String(error) });
    }
  }
}
