/** `sluice mirror`: copies a firehose into an NDJSON folder or a Kafka topic of the consumer's own, and keeps it up to date. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { JournalInUseError } from '../../journal/errors.ts';
import { lockForWriting } from '../../journal/writer-lock.ts';
import { LogUnavailableError } from '../../protocol/log/errors.ts';
import type { KafkaSettings } from '../../protocol/log/kafka/settings.ts';
import { makeFolder } from '../../protocol/make-folder.ts';
import { Backoff } from '../client/backoff.ts';
import type { Client } from '../client/client.ts';
import { type MirrorOptions, type MirrorTarget, mirror } from '../client/mirror.ts';
import { openKafkaTopic } from '../mirror/kafka-topic.ts';
import { openNdjsonFolder } from '../mirror/ndjson-folder.ts';
import { checkKafkaFiles } from './check-start.ts';
import { addConnection, connect } from './connection.ts';
import { UsageError } from './errors.ts';
import { addSettings, settingsOf } from './settings.ts';
import { asUsage, tellEvent } from './stream-events.ts';
import { addStreamOptions, positive, type StreamFlags, streamRequest } from './stream-options.ts';

interface MirrorFlags extends StreamFlags {
  readonly batch?: string;
}

interface OpenTarget {
  readonly target: MirrorTarget;
  close(): void | Promise<void>;
}

export function mirrorCommand(): Command {
  const command = new Command('mirror').description(
    'Copy a firehose to a place of your own, with its position beside the copy: started again it goes on where it was',
  );
  return command.addCommand(folderCommand()).addCommand(kafkaCommand());
}

function folderCommand(): Command {
  const command = new Command('folder')
    .description('Into files of NDJSON, each message on its line, once')
    .argument('<folder>', 'created where it is missing')
    .option('--file-size <MiB>', 'A file larger than this is followed by a new one', '64');
  addMirrorOptions(command);
  return command.action(async (folder: string) => {
    const { fileSize, ...flags } = command.opts<MirrorFlags & { fileSize: string }>();
    const fileBytes = positive('--file-size', fileSize) * 2 ** 20;
    await run(command, flags, async () => {
      makeFolder(folder);
      const lock = lockFolder(folder);
      try {
        const target = await openNdjsonFolder(folder, fileBytes);
        return { target, close: () => target.close().finally(() => lock.release()) };
      } catch (error) {
        lock.release();
        throw error;
      }
    });
  });
}

function kafkaCommand(): Command {
  const command = new Command('kafka')
    .description('Into a Kafka topic, in transactions: readers of committed records see each message once')
    .argument('<topic>', 'must exist; key = transaction, value = the message as JSON')
    .option(
      '--position-topic <topic>',
      "Compacted topic that keeps the position; created where it is missing (default: the topic's name and -position)",
    )
    .option(
      '--name <name>',
      "This mirror's name and transactional id: of two with one name the later goes on (default: sluice-mirror- and the topic's name)",
    );
  addMirrorOptions(command);
  addSettings(command, (flag) => flag.startsWith('kafka-'));
  return command.action(async (topic: string) => {
    const { positionTopic, name, ...flags } = command.opts<MirrorFlags & { positionTopic?: string; name?: string }>();
    const config = await settingsOf(command);
    await checkKafkaFiles(config);
    const settings: KafkaSettings = config.kafka;
    await run(command, flags, async () => {
      const target = await openKafkaTopic(settings, {
        topic,
        ...(positionTopic !== undefined && { positionTopic }),
        ...(name !== undefined && { name }),
      });
      return { target, close: () => target.close() };
    });
  });
}

function addMirrorOptions(command: Command): void {
  addStreamOptions(command, 'earliest').option('--batch <messages>', 'Most messages that are written at once', '500');
  addConnection(command);
}

/** Mirrors until the stream ends, a signal comes, or something is wrong that waiting does not mend. */
async function run(command: Command, flags: MirrorFlags, open: () => Promise<OpenTarget>): Promise<void> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
  const { from, ...request } = streamRequest(flags, Date.now());
  const options: MirrorOptions = {
    ...request,
    ...(from !== undefined && { from: from as NonNullable<MirrorOptions['from']> }),
    batch: positive('--batch', flags.batch ?? '500'),
    signal: abort.signal,
    onEvent: tellEvent,
  };
  const client = connect(command);
  const backoff = new Backoff();
  while (!abort.signal.aborted) {
    try {
      return await mirrorInto(client, open, options, () => backoff.succeeded());
    } catch (error) {
      if (!(error instanceof LogUnavailableError)) throw asUsage(error);
      const pauseMs = backoff.next();
      process.stderr.write(`sluice: ${error.message}; again in ${(pauseMs / 1000).toFixed(1)} s\n`);
      await sleep(pauseMs, undefined, { signal: abort.signal }).catch(() => {});
    }
  }
}

async function mirrorInto(
  client: Client,
  open: () => Promise<OpenTarget>,
  options: MirrorOptions,
  onOpen: () => void,
): Promise<void> {
  const { target, close } = await open();
  onOpen();
  try {
    const position = await target.position();
    const where = position === undefined ? 'an empty copy' : `offset ${position.offset} of epoch ${position.epoch}`;
    process.stderr.write(`sluice: mirroring after ${where}\n`);
    const copied = await mirror(client, target, options);
    process.stderr.write(`sluice: ${copied} messages copied\n`);
  } finally {
    await close();
  }
}

function lockFolder(folder: string): { release(): void } {
  try {
    return lockForWriting(folder);
  } catch (error) {
    if (error instanceof JournalInUseError) throw new UsageError(`another process is mirroring into ${folder}`);
    throw error;
  }
}
