/**
 * Produces idempotently: acknowledged by every in-sync replica, in order, and not twice however often it is retried.
 *
 * One round of requests is on its way at a time; whatever is produced meanwhile goes with the next one, one batch for each
 * partition. Each batch has its place in the producer's numbering of the partition, and keeps it when it is sent again, so
 * the broker knows a repetition. A batch that is given up leaves that numbering in doubt: then a new producer is begun,
 * or the broker could take the next batch for the one given up.
 */
import { LogUnavailableError, RecordTooLargeError, UnknownTopicError } from '../errors.ts';
import type { ProducedRecord, ProduceRecord } from '../log.ts';
import type { KafkaClient } from './client.ts';
import type { Compression } from './compression.ts';
import { faultOfCode } from './connections.ts';
import { isFault, KafkaFault } from './fault.ts';
import { type Call, Packing, type Parcel, settle, takeRound } from './parcels.ts';
import { isNumberingFault, ProducerNumbering } from './producer-numbering.ts';
import { encodeBatch, recordBytes } from './record-batch.ts';
import { type ProduceBatch, produceRequest } from './requests.ts';
import { retryFaults } from './retry.ts';
import type { TopicDirectory } from './topic-directory.ts';

const ACKNOWLEDGE_TIMEOUT_MS = 10_000;

export interface ProducerOptions {
  readonly client: KafkaClient;
  readonly directory: TopicDirectory;
  readonly compression: Compression;
  readonly clock: () => number;
  /** Bytes that may wait to be acknowledged. */
  readonly maxWaitingBytes: number;
  /** How long a record may wait to be acknowledged before it is given up. */
  readonly timeoutMs: number;
  /** Largest value that a topic takes, in bytes. */
  readonly maxValueBytes: (topic: string) => Promise<number>;
}

export class Producer {
  readonly #options: ProducerOptions;
  #numbering: Promise<ProducerNumbering> | undefined;
  #queue: Call[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  async produce(topic: string, records: readonly ProduceRecord[]): Promise<ProducedRecord[]> {
    if (records.length === 0) return [];
    const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0);
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > this.#options.maxWaitingBytes)
      throw new LogUnavailableError(`${this.#waitingBytes} bytes already wait for Kafka`);
    this.#waitingBytes += bytes;
    try {
      return await new Promise((resolve, reject) => {
        this.#queue.push({ topic, records, bytes, results: [], unsettled: records.length, resolve, reject });
        this.#running ??= this.#run();
      });
    } finally {
      this.#waitingBytes -= bytes;
    }
  }

  /** Resolves when nothing is on its way any more. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // what is called in the same turn goes along
    while (this.#queue.length > 0) {
      for (const round of await this.#rounds(takeRound(this.#queue))) await this.#sendRound(round);
    }
    this.#running = undefined;
  }

  async #rounds(calls: readonly Call[]): Promise<Parcel[][]> {
    const packing = new Packing();
    for (const call of calls) {
      try {
        packing.add(call, await this.#partitions(call));
      } catch (error) {
        call.reject(error);
      }
    }
    return packing.rounds();
  }

  /** How many partitions the topic has. @throws {UnknownTopicError | RecordTooLargeError | LogUnavailableError} */
  async #partitions({ topic, records }: Call): Promise<number> {
    const { directory, timeoutMs, maxValueBytes } = this.#options;
    const [{ partitions }, limit] = await retryFaults(timeoutMs, () =>
      Promise.all([directory.topic(topic), maxValueBytes(topic)]),
    );
    for (const { value } of records)
      if (value !== null && value.byteLength > limit) throw new RecordTooLargeError(topic, value.byteLength, limit);
    return partitions;
  }

  async #sendRound(parcels: readonly Parcel[]): Promise<void> {
    let waiting = parcels;
    try {
      await retryFaults(this.#options.timeoutMs, async () => {
        const outcomes = await this.#attempt(waiting);
        waiting = outcomes.filter(({ fault }) => fault?.retriable === true).map(({ parcel }) => parcel);
        for (const { parcel, fault } of outcomes)
          if (fault !== undefined && !fault.retriable) this.#giveUp(parcel, fault);
        const fault = outcomes.find((outcome) => outcome.fault?.retriable === true)?.fault;
        if (fault !== undefined) throw fault;
      });
    } catch (error) {
      for (const parcel of waiting) this.#giveUp(parcel, error);
    }
  }

  /** Sends each parcel once, to whoever leads its partition now. Never rejects but by fault of all of them. */
  async #attempt(parcels: readonly Parcel[]): Promise<{ parcel: Parcel; fault: KafkaFault | undefined }[]> {
    this.#numbering ??= ProducerNumbering.begin(this.#options.client);
    const numbering = await this.#numbering.catch((error: unknown) => {
      this.#numbering = undefined;
      throw error;
    });
    const led = await Promise.all(
      parcels.map(async (parcel) => {
        try {
          return { parcel, leader: await this.#options.directory.leader(parcel), fault: undefined };
        } catch (error) {
          return { parcel, leader: undefined, fault: asFault(error) };
        }
      }),
    );
    const unled = led.filter(({ leader }) => leader === undefined);
    const sent = [...Map.groupBy(led, ({ leader }) => leader)]
      .filter(([leader]) => leader !== undefined)
      .map(([leader, group]) =>
        this.#send(
          leader!,
          numbering,
          group.map(({ parcel }) => parcel),
        ),
      );
    return [...unled, ...(await Promise.all(sent)).flat()];
  }

  async #send(leader: number, numbering: ProducerNumbering, parcels: readonly Parcel[]) {
    const { client, directory, compression, clock } = this.#options;
    try {
      const batches: ProduceBatch[] = await Promise.all(
        parcels.map(async (parcel) => {
          const { topic, partition, entries } = parcel;
          const baseSequence = numbering.next(parcel);
          const records = entries.map(({ record }) => record);
          const { producerId, producerEpoch } = numbering;
          const options = { producerId, producerEpoch, compression, baseSequence, timestamp: clock() };
          return { topic, partition, batch: await encodeBatch(records, options) };
        }),
      );
      const answer = await client.send(leader, 'control', produceRequest(batches, ACKNOWLEDGE_TIMEOUT_MS));
      return parcels.map((parcel) => {
        const produced = answer.find((it) => it.topic === parcel.topic && it.partition === parcel.partition);
        const fault = this.#judge(faultOfCode(produced?.error ?? -1), parcel);
        if (fault === undefined) {
          numbering.acknowledged(parcel, parcel.entries.length);
          settle(parcel, produced!.baseOffset);
        }
        return { parcel, fault };
      });
    } catch (error) {
      for (const { topic } of parcels) directory.forget(topic);
      return parcels.map((parcel) => ({ parcel, fault: asFault(error) }));
    }
  }

  /** What a fault of the broker means for the parcel. */
  #judge(fault: KafkaFault | undefined, { topic }: Parcel): KafkaFault | undefined {
    if (fault === undefined) return undefined;
    this.#options.directory.forget(topic);
    if (!isNumberingFault(fault)) return fault;
    // Beginning another numbering may repeat a batch, which readers are used to.
    this.#renumber();
    return new KafkaFault(fault.code, fault.message, true);
  }

  #giveUp({ topic, entries }: Parcel, error: unknown): void {
    this.#renumber();
    const reason = isFault(error, 'UNKNOWN_TOPIC_OR_PARTITION') ? new UnknownTopicError(topic) : asLogError(error);
    for (const { call } of entries) call.reject(reason);
  }

  #renumber(): void {
    this.#numbering = undefined;
  }
}

function asFault(error: unknown): KafkaFault {
  if (error instanceof KafkaFault) return error;
  if (error instanceof UnknownTopicError)
    // Just deleted, or just created and not yet known to the broker that was asked: the deadline decides.
    return new KafkaFault('UNKNOWN_TOPIC_OR_PARTITION', error.message, true);
  return new KafkaFault('UNEXPECTED', error instanceof Error ? error.message : String(error), false, { cause: error });
}

function asLogError(error: unknown): Error {
  if (error instanceof LogUnavailableError) return error;
  return new LogUnavailableError(error instanceof Error ? error.message : String(error), { cause: error });
}
