/**
 * Writes results-1 into the journals: decode → check → append → tell.
 *
 * It follows every partition from the position that the partition's own journal holds. Entries and position commit in one
 * transaction, so each record is journaled exactly once however often this is killed. What can never be journaled goes to
 * dead-letter-1 before the position passes it.
 */
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { EpochMismatchError, JournalDamagedError } from '../../journal/errors.ts';
import { type AppendedSegment, type JournalWriter, openJournalWriter } from '../../journal/writer.ts';
import { deadLetterRecord } from '../../protocol/dead-letter.ts';
import { OffsetOutOfRangeError } from '../../protocol/log/errors.ts';
import type { Batch, Log, LogRecord, Subscription } from '../../protocol/log/log.ts';
import { DEAD_LETTER_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { pastSpan } from '../../protocol/telemetry/spans.ts';
import { type ClientOfToken, entryOfRecord, PoisonedRecord, type TracedEntry } from './entry-of-record.ts';
import type { FromJournaler, JournalerOptions, NewSegment } from './messages.ts';

/** How often volumes are rolled and retired. */
const MAINTAIN_MS = 60_000;
/** Large batches make few commits; the bound keeps what one commit holds in memory small. */
const MAX_BATCH_RECORDS = 5_000;
const MAX_BATCH_BYTES = 8 << 20;

export interface JournalerDependencies {
  readonly log: Log;
  readonly clientOfToken: ClientOfToken;
  readonly tell: (message: FromJournaler, transfer?: ArrayBuffer[]) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface RunningJournaler {
  /** Rejects when it cannot go on. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Opens the journals, creating them where needed, and follows results-1. Resolves once it follows. */
export async function startJournaler(
  to: JournalerDependencies,
  options: Omit<JournalerOptions, 'log'>,
): Promise<RunningJournaler> {
  const { epoch } = await to.log.describeTopic(RESULTS_TOPIC);
  const watermarks = await to.log.watermarks(RESULTS_TOPIC);
  const writers = new Map<number, JournalWriter>();
  let subscription: Subscription;
  try {
    for (const { partition, end } of watermarks) {
      writers.set(partition, openWriter(to, options, epoch, partition, end));
    }
    subscription = await to.log.follow({
      topic: RESULTS_TOPIC,
      from: new Map([...writers].map(([partition, writer]) => [partition, writer.position])),
      maxBatchRecords: MAX_BATCH_RECORDS,
      maxBatchBytes: MAX_BATCH_BYTES,
      onBatch: (batch) => append(to, writers.get(batch.partition)!, epoch, batch),
      onError: (error) => to.tell({ kind: 'trouble', detail: String(error) }),
    });
  } catch (error) {
    for (const writer of writers.values()) writer.close();
    throw error;
  }
  const maintenance = setInterval(() => maintain(to, writers), MAINTAIN_MS);
  to.tell({ kind: 'following', epoch, partitions: [...writers.keys()] });
  return {
    ended: subscription.ended,
    async stop() {
      clearInterval(maintenance);
      await subscription.close();
      for (const writer of writers.values()) writer.close();
    },
  };
}

async function append(to: JournalerDependencies, writer: JournalWriter, epoch: string, batch: Batch): Promise<void> {
  const entries: TracedEntry[] = [];
  const poisoned: { record: LogRecord; detail: string }[] = [];
  for (const record of batch.records) {
    try {
      entries.push(await entryOfRecord(record, to.clientOfToken));
    } catch (error) {
      if (!(error instanceof PoisonedRecord)) throw error;
      poisoned.push({ record, detail: error.message });
    }
  }
  if (batch.signal.aborted) return;
  if (poisoned.length > 0) await setAside(to, poisoned);
  const position = batch.records.at(-1)!.offset + 1;
  const { segments, duplicates } = writer.appendBatch({ entries, position, epoch, now: to.now() });
  for (const { traceparent, time, client, transaction } of entries) {
    const about = { 'sluice.client': client, 'sluice.transaction': transaction };
    pastSpan('firehose journal', traceparent, { startTime: time, endTime: to.now() }, about);
  }
  if (segments.length > 0) tellAppended(to, batch.partition, segments, duplicates);
}

async function setAside(
  to: JournalerDependencies,
  poisoned: readonly { record: LogRecord; detail: string }[],
): Promise<void> {
  const cause = { service: 'firehose', problem: 'poisoned-message', attempts: 1, time: to.now() } as const;
  const letters = poisoned.map(({ record, detail }) => deadLetterRecord(record, { ...cause, detail }));
  await to.log.produce(DEAD_LETTER_TOPIC, letters);
  for (const { record, detail } of poisoned) {
    to.tell({ kind: 'poisoned', partition: record.partition, offset: record.offset, detail });
  }
}

/** Sends the bytes in one buffer that changes hands: nothing is copied a second time on the way to the readers. */
function tellAppended(
  to: JournalerDependencies,
  partition: number,
  appended: readonly AppendedSegment[],
  duplicates: number,
): void {
  const bytes = new Uint8Array(appended.reduce((sum, { data }) => sum + data.length, 0));
  const segments: NewSegment[] = [];
  let start = 0;
  for (const { data, ...segment } of appended) {
    bytes.set(data, start);
    segments.push({ ...segment, start, length: data.length });
    start += data.length;
  }
  const data = bytes.buffer;
  to.tell({ kind: 'appended', partition, segments, data, duplicates }, [data]);
}

/** A journal that is of another epoch, or damaged, is moved aside and built anew from the log. */
function openWriter(
  to: JournalerDependencies,
  options: Omit<JournalerOptions, 'log'>,
  epoch: string,
  partition: number,
  end: number,
): JournalWriter {
  const folder = partitionFolder(options.folder, partition);
  const open = () => {
    const { retentionMs, retentionBytes, volumeSpanMs, check } = options;
    const writer = openJournalWriter(folder, {
      epoch,
      now: to.now(),
      volumeSpanMs,
      check,
      ...(retentionMs !== undefined && { retentionMs }),
      ...(retentionBytes !== undefined && { retentionBytes }),
    });
    if (writer.position <= end) return writer;
    writer.close();
    throw new OffsetOutOfRangeError(RESULTS_TOPIC, partition, writer.position, end);
  };
  try {
    return open();
  } catch (error) {
    const useless = error instanceof EpochMismatchError || error instanceof JournalDamagedError;
    if (!useless) throw error;
    const aside = join(`${options.folder}-aside`, `${partition}-${to.now()}`);
    mkdirSync(`${options.folder}-aside`, { recursive: true });
    renameSync(folder, aside);
    to.tell({ kind: 'moved-aside', partition, to: aside, detail: error.message });
    return open();
  }
}

function maintain(to: JournalerDependencies, writers: ReadonlyMap<number, JournalWriter>): void {
  for (const [partition, writer] of writers) {
    try {
      const { retired } = writer.maintain({ now: to.now() });
      if (retired.length > 0) to.tell({ kind: 'retired', partition, volumes: retired.length });
    } catch (error) {
      // The next round tries again; appends say for themselves what they cannot do.
      to.tell({ kind: 'trouble', detail: String(error) });
    }
  }
}

export function partitionFolder(folder: string, partition: number): string {
  return join(folder, String(partition));
}
