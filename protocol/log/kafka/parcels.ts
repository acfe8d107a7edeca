/** What was asked to be produced, packed for sending: a parcel is what goes into one batch. */
import type { ProducedRecord, ProduceRecord } from '../log.ts';
import { partitionOf } from '../partitioner.ts';
import { recordBytes } from './record-batch.ts';

/** Of one batch, uncompressed. A larger record is alone in its batch. */
const BATCH_BYTES = 1 << 20;
/** Of one round, over all partitions. */
const ROUND_BYTES = 16 << 20;

/** One call of produce. */
export interface Call {
  readonly topic: string;
  readonly records: readonly ProduceRecord[];
  readonly bytes: number;
  readonly results: ProducedRecord[];
  unsettled: number;
  readonly resolve: (produced: ProducedRecord[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Records for one partition, in order. */
export interface Parcel {
  readonly topic: string;
  readonly partition: number;
  readonly entries: { readonly call: Call; readonly index: number; readonly record: ProduceRecord }[];
  bytes: number;
}

/** Takes calls off the queue: as many as go in one round, at least one. */
export function takeRound(queue: Call[]): Call[] {
  const calls: Call[] = [];
  for (let bytes = 0; queue.length > 0 && (bytes === 0 || bytes + queue[0]!.bytes <= ROUND_BYTES); ) {
    const call = queue.shift()!;
    bytes += call.bytes;
    calls.push(call);
  }
  return calls;
}

export class Packing {
  readonly #byPartition = new Map<string, Parcel[]>();

  /** @param partitions how many the call's topic has */
  add(call: Call, partitions: number): void {
    for (const [index, record] of call.records.entries())
      this.#add({ call, index, record }, partitionOf(record.key, partitions));
  }

  /** At most one parcel for each partition in a round: those of one partition go one after the other. */
  rounds(): Parcel[][] {
    const rounds: Parcel[][] = [];
    for (const ofPartition of this.#byPartition.values())
      for (const [index, parcel] of ofPartition.entries()) {
        rounds[index] ??= [];
        rounds[index].push(parcel);
      }
    return rounds;
  }

  #add(entry: Parcel['entries'][number], partition: number): void {
    const { topic } = entry.call;
    const key = `${partition}/${topic}`;
    const bytes = recordBytes(entry.record);
    const ofPartition = this.#byPartition.get(key) ?? [];
    this.#byPartition.set(key, ofPartition);
    const last = ofPartition.at(-1);
    if (last !== undefined && last.bytes + bytes <= BATCH_BYTES) {
      last.entries.push(entry);
      last.bytes += bytes;
    } else ofPartition.push({ topic, partition, entries: [entry], bytes });
  }
}

/** Tells each call where its records are; a call is answered when all of them are somewhere. */
export function settle({ partition, entries }: Parcel, baseOffset: number): void {
  for (const [delta, { call, index }] of entries.entries()) {
    call.results[index] = { partition, offset: baseOffset + delta };
    if (--call.unsettled === 0) call.resolve(call.results);
  }
}
