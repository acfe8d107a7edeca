/** What push needs around it, in a temporary folder: an embedded log with its topics, keys, and messages that want pushing. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import { Registry } from 'prom-client';
import { openTokenKeys } from '../../protocol/claims/keys.ts';
import { mintToken } from '../../protocol/claims/token.ts';
import { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { packEvent } from '../../protocol/envelope.ts';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { KafkaSettings } from '../../protocol/log/kafka/settings.ts';
import type { Log, ProducedRecord, ProduceRecord } from '../../protocol/log/log.ts';
import { openLog } from '../../protocol/log/open.ts';
import type { LogSettings } from '../../protocol/log/settings.ts';
import { RESULTS_TOPIC, topicDefinitions } from '../../protocol/log/topics.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import type { RoleContext } from '../../protocol/role.ts';
import type { PushMode } from '../../protocol/webhook/grant.ts';
import { openSealingKeys, sealSecret } from '../../protocol/webhook/sealing.ts';

export interface WebhookOfTest {
  readonly url: string;
  readonly mode?: PushMode;
  readonly types?: readonly string[];
  readonly rate?: number;
  readonly verified?: number;
  readonly secrets: readonly string[];
}

export interface Deployment {
  readonly folder: string;
  readonly log: Log;
  readonly context: RoleContext;
  /** A token that wants messages pushed, or one that does not. */
  token(client: string, webhook: WebhookOfTest | undefined, issuedAt?: number): Promise<string>;
  /** The records of such messages, not appended yet. */
  events(
    client: string,
    token: string,
    transactions: readonly string[],
    text?: string,
    traceparent?: string,
  ): ProduceRecord[];
  /** Appends one message for each transaction named, in order. @returns where they lie */
  produce(client: string, token: string, transactions: readonly string[], text?: string): Promise<ProducedRecord[]>;
  remove(): Promise<void>;
}

const HOUR = 3_600_000;

export const quiet: Logger = pino({ level: process.env.PUSH_TEST_LOG ?? 'silent' }, pino.destination(2));

/** @param existing an earlier deployment's folder, to join it from another process @param kafka the log to use in place of the embedded one */
export async function openDeployment(existing?: string, kafka?: KafkaSettings): Promise<Deployment> {
  const folder = existing ?? (await mkdtemp(join(tmpdir(), 'sluice-push-')));
  const logSettings: LogSettings =
    kafka === undefined ? { kind: 'embedded', folder: join(folder, 'log') } : { kind: 'kafka', kafka };
  const log = await openLog(logSettings);
  await log.createTopics(
    topicDefinitions({
      partitions: 2,
      replication: 1,
      // As long as the firehose keeps its journal by default, at least.
      resultsRetentionMs: 8 * 24 * HOUR,
      ingestRetentionMs: 24 * HOUR,
      maxImageMessageBytes: 1 << 20,
    }),
  );
  const keysFolder = join(folder, 'keys');
  const keys = await openTokenKeys(keysFolder);
  const sealing = await openSealingKeys(keysFolder);
  return {
    folder,
    log,
    context: {
      log,
      logSettings,
      verifier: new TokenVerifier(() => keys),
      logger: quiet,
      metrics: new Registry(),
      dataFolder: join(folder, 'push'),
      keysFolder,
    } as RoleContext,
    async token(client, webhook, issuedAt = Date.now()) {
      const grants = { 'firehose-1': {}, 'push-1': webhook === undefined ? {} : await grantOf(client, webhook) };
      return mintToken(keys, { client, grants, issuedAt, expiresAt: issuedAt + HOUR });
    },
    events,
    produce: (client, token, transactions, text) =>
      log.produce(RESULTS_TOPIC, events(client, token, transactions, text)),
    async remove() {
      await log.close();
      if (existing === undefined) await rm(folder, { recursive: true, force: true });
    },
  };

  async function grantOf(client: string, webhook: WebhookOfTest): Promise<Record<string, unknown>> {
    const secrets = await Promise.all(
      webhook.secrets.map(async (secret) => ({ sealed: await sealSecret(sealing, client, secret) })),
    );
    const { url, mode = 'full', types = [], rate = 0, verified = 0 } = webhook;
    return { url, mode, types, rate, verified, secrets };
  }
}

function events(
  client: string,
  token: string,
  transactions: readonly string[],
  text = 'x',
  traceparent = '',
): ProduceRecord[] {
  const now = Date.now();
  return transactions.map((correlationId) => {
    const messageId = newMessageId(now);
    const message = TextLine.create({ imageId: messageId, index: 0, label: 'text', confidence: 0.5, text });
    const context = { correlationId, client, token, traceparent };
    return { key: client, value: packEvent(context, { messageId, eventTime: now, type: TextLine, message }) };
  });
}
