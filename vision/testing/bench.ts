/** For the tests of vision: a real log in a temporary folder, real tokens, and the records that the gateway would write. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageType } from '@protobuf-ts/runtime';
import { type Logger, pino } from 'pino';
import type { BlobStore } from '../../protocol/blob/blob-store.ts';
import { FolderBlobStore } from '../../protocol/blob/folder-blob-store.ts';
import type { Grants } from '../../protocol/claims/grant.ts';
import { openTokenKeys, type TokenKeys } from '../../protocol/claims/keys.ts';
import { mintToken } from '../../protocol/claims/token.ts';
import { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { type Event, packEvent, unpackEvent } from '../../protocol/envelope.ts';
import { DeadLetter } from '../../protocol/generated/deadletter/v1m0/deadletter_pb.js';
import { ImageAccepted, IngestedImage } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { openEmbeddedLog } from '../../protocol/log/embedded/open.ts';
import type { Log, LogRecord } from '../../protocol/log/log.ts';
import { DEAD_LETTER_TOPIC, INGEST_TOPIC, RESULTS_TOPIC, topicDefinitions } from '../../protocol/log/topics.ts';
import { derivedMessageId, newMessageId } from '../../protocol/message-id.ts';

const HOUR = 3_600_000;

export interface Bench {
  readonly folder: string;
  readonly log: Log;
  readonly keys: TokenKeys;
  readonly verifier: TokenVerifier;
  readonly blobs: BlobStore;
  readonly logger: Logger;
  close(): Promise<void>;
}

export async function openBench(partitions = 2): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-vision-'));
  const log = await openEmbeddedLog({ folder: join(folder, 'log') });
  await log.createTopics(
    topicDefinitions({
      partitions,
      replication: 1,
      resultsRetentionMs: 24 * HOUR,
      ingestRetentionMs: 24 * HOUR,
      maxImageMessageBytes: 17 << 20,
    }),
  );
  const keys = await openTokenKeys(join(folder, 'keys'));
  return {
    folder,
    log,
    keys,
    verifier: new TokenVerifier(() => keys),
    blobs: new FolderBlobStore(join(folder, 'blobs')),
    logger: pino({ level: 'silent' }),
    async close() {
      await log.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function mint(bench: Bench, client: string, grants: Grants, issuedAt = Date.now()): Promise<string> {
  return mintToken(bench.keys, { client, grants, issuedAt, expiresAt: issuedAt + HOUR });
}

export interface Submission {
  readonly client: string;
  readonly transaction: string;
  readonly token: string;
  readonly bytes?: Uint8Array;
  /** Names a blob in place of holding the bytes. It is up to the test to store it. */
  readonly asBlob?: boolean;
  /** Default now. */
  readonly time?: number;
  /** The services that complete the image. */
  readonly services?: readonly string[];
}

/** Writes what the gateway writes when it accepts an image. @returns the image's id */
export async function submit(bench: Bench, submission: Submission): Promise<string> {
  const { client, transaction, token, bytes = Buffer.from('an image'), time = Date.now(), services = [] } = submission;
  const context = { client, correlationId: transaction, token, traceparent: '' };
  const imageId = newMessageId(time);
  const image: IngestedImage = {
    imageId,
    mediaType: 'image/png',
    width: 8,
    height: 8,
    sha256: createHash('sha256').update(bytes).digest(),
    content: submission.asBlob
      ? { oneofKind: 'blob', blob: { store: bench.blobs.name, size: bytes.byteLength } }
      : { oneofKind: 'inline', inline: bytes },
  };
  const accepted: ImageAccepted = {
    imageId,
    mediaType: 'image/png',
    width: 8,
    height: 8,
    size: bytes.byteLength,
    name: '',
    services: [...services],
  };
  const ingested = packEvent(context, { messageId: imageId, eventTime: time, type: IngestedImage, message: image });
  await bench.log.produce(INGEST_TOPIC, [{ key: transaction, value: ingested }]);
  await tell(bench, submission, ImageAccepted, accepted, derivedMessageId(imageId, 'accepted'));
  return imageId;
}

/** Writes an event to a client's own stream. */
export async function tell<T extends object>(
  bench: Bench,
  to: Submission,
  type: MessageType<T>,
  message: T,
  messageId = newMessageId(to.time ?? Date.now()),
): Promise<void> {
  const context = { client: to.client, correlationId: to.transaction, token: to.token, traceparent: '' };
  const value = packEvent(context, { messageId, eventTime: to.time ?? Date.now(), type, message });
  await bench.log.produce(RESULTS_TOPIC, [{ key: to.client, value }]);
}

/** Everything that a topic holds now, partition by partition. */
export async function recordsOf(log: Log, topic: string): Promise<LogRecord[]> {
  const watermarks = await log.watermarks(topic);
  const records: LogRecord[] = [];
  for (const { partition, earliest, end } of watermarks) {
    if (earliest === end) continue;
    const done = Promise.withResolvers<void>();
    const following = await log.follow({
      topic,
      from: new Map([[partition, earliest]]),
      onBatch: async (batch) => {
        records.push(...batch.records.filter(({ offset }) => offset < end));
        if (batch.records.at(-1)!.offset + 1 >= end) done.resolve();
      },
    });
    await done.promise;
    await following.close();
  }
  return records;
}

export async function eventsOf(log: Log, topic: string): Promise<Event[]> {
  return (await recordsOf(log, topic)).map((record) => unpackEvent(record.value));
}

export async function deadLettersOf(log: Log): Promise<DeadLetter[]> {
  return (await recordsOf(log, DEAD_LETTER_TOPIC)).map(({ value }) => DeadLetter.fromBinary(value!));
}

/** Waits until a group has finished everything that a topic holds. */
export async function drained(log: Log, group: string, topic: string): Promise<void> {
  await until(async () => (await log.lag(group, topic)).every(({ lag }) => lag === 0));
}

/** Waits for a condition. The limit is the test's own time-out. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
