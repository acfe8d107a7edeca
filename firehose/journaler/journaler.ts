/**
 * Writes results-1 into the journals: decode → check → append → tell.
 *
 * It follows each partition that this node holds from the position that the partition's own journal holds. Entries and position commit in one
 * transaction, so each record is journaled exactly once however often this is killed. What can never be journaled goes to
 * dead-letter-1 before the position passes it.
 */
import { join } from 'node:path';
import type { AppendedSegment } from '../../journal/appending.ts';
import { JournalBehindError } from '../../journal/errors.ts';
import { type OpenedJournal, openOrRenewJournal } from '../../journal/open-or-renew.ts';
import type { JournalWriter } from '../../journal/writer.ts';
import { deadLetterRecord } from '../../protocol/dead-letter.ts';
import { OffsetOutOfRangeError } from '../../protocol/log/errors.ts';
import type { Batch, Log, LogRecord, Subscription, Watermarks } from '../../protocol/log/log.ts';
import { DEAD_LETTER_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { pastSpan } from '../../protocol/telemetry/spans.ts';
import { heldPartitions } from '../nodes/held-partitions.ts';
import { type ClientOfToken, entryOfRecord, PoisonedRecord, type TracedEntry } from './entry-of-record.ts';
import type { FromJournaler, JournalerOptions, NewSegment, OpenedPartition } from './messages.ts';

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

/**
 * Opens the journals, creating them where needed, and follows results-1. Resolves once it follows. It ends with JournalBehindError where
 * the log has retired what a journal has yet to take in; started again, it begins that journal anew.
 */
export async function startJournaler(
  to: JournalerDependencies,
  options: Omit<JournalerOptions, 'log'>,
): Promise<RunningJournaler> {
  const { epoch } = await to.log.describeTopic(RESULTS_TOPIC);
  const watermarks = await to.log.watermarks(RESULTS_TOPIC);
  const held = heldPartitions(options.partitions, options.assignment, watermarks.length);
  const writers = new Map<number, JournalWriter>();
  const opened: OpenedPartition[] = [];
  const hole = Promise.withResolvers<never>();
  let subscription: Subscription;
  try {
    for (const marks of watermarks.filter(({ partition }) => held.includes(partition))) {
      const { writer, isNew } = openJournal(to, options, epoch, marks);
      const { partition, end } = marks;
      writers.set(partition, writer);
      opened.push({ partition, position: writer.position, end, isNew });
    }
    subscription = await to.log.follow({
      topic: RESULTS_TOPIC,
      from: new Map([...writers].map(([partition, writer]) => [partition, writer.position])),
      maxBatchRecords: MAX_BATCH_RECORDS,
      maxBatchBytes: MAX_BATCH_BYTES,
      async onBatch(batch) {
        const writer = writers.get(batch.partition)!;
        await checkNothingRetired(to.log, writer, batch);
        await append(to, writer, epoch, batch);
      },
      onError(error) {
        if (error instanceof JournalBehindError) hole.reject(error);
        else to.tell({ kind: 'trouble', detail: String(error) });
      },
    });
  } catch (error) {
    for (const writer of writers.values()) writer.close();
    throw error;
  }
  const maintenance = setInterval(() => maintain(to, writers), MAINTAIN_MS);
  to.tell({ kind: 'following', epoch, total: watermarks.length, partitions: held, opened });
  return {
    ended: Promise.race([subscription.ended, hole.promise]),
    async stop() {
      clearInterval(maintenance);
      await subscription.close();
      for (const writer of writers.values()) writer.close();
    },
  };
}

/**
 * Where the log leaves out offsets it may be because it has retired them meanwhile. Then the journal has to be begun anew: going on
 * would hide the hole.
 *
 * @throws {JournalBehindError}
 */
async function checkNothingRetired(log: Log, { folder, position }: JournalWriter, batch: Batch): Promise<void> {
  if (batch.records[0]!.offset <= position) return;
  const earliest = (await log.watermarks(RESULTS_TOPIC)).find(
    ({ partition }) => partition === batch.partition,
  )?.earliest;
  if (earliest !== undefined && earliest > position) throw new JournalBehindError(folder, position, earliest);
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
  writer.tidy();
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

/** A journal that can no longer serve is moved aside and built anew from what the log still has. */
function openJournal(
  to: JournalerDependencies,
  options: Omit<JournalerOptions, 'log'>,
  epoch: string,
  { partition, earliest, end }: Watermarks,
): OpenedJournal {
  const { folder, retentionMs, retentionBytes, volumeSpanMs, check } = options;
  const opened = openOrRenewJournal(join(folder, String(partition)), `${folder}-aside`, {
    epoch,
    now: to.now(),
    start: earliest,
    volumeSpanMs,
    check,
    ...(retentionMs !== undefined && { retentionMs }),
    ...(retentionBytes !== undefined && { retentionBytes }),
  });
  const { writer, isNew, moved } = opened;
  if (moved !== undefined) to.tell({ kind: 'moved-aside', partition, ...moved });
  if (isNew && earliest > 0) to.tell({ kind: 'incomplete', partition, earliest });
  const { position } = writer;
  if (position <= end) return opened;
  writer.close();
  throw new OffsetOutOfRangeError(RESULTS_TOPIC, partition, position, end);
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
