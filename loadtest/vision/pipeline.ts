/** A log with one vision service on it, as `sluice up` has it, and a reader of what the service says. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import Value from 'typebox/value';
import { FolderBlobStore } from '../../protocol/blob/folder-blob-store.ts';
import { openTokenKeys } from '../../protocol/claims/keys.ts';
import { mintToken } from '../../protocol/claims/token.ts';
import { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { packEvent, payloadOf, unpackEvent } from '../../protocol/envelope.ts';
import { ServiceCompleted, ServiceFailed } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { IngestedImage } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { openEmbeddedLog } from '../../protocol/log/embedded/open.ts';
import type { Batch, ProduceRecord } from '../../protocol/log/log.ts';
import { INGEST_TOPIC, RESULTS_TOPIC, topicDefinitions } from '../../protocol/log/topics.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import { VisionConfig } from '../../vision/config.ts';
import { startVision } from '../../vision/main.ts';
import { THREADS } from './work.ts';

const HOUR = 3_600_000;

export class Pipeline {
  readonly #produce: (records: readonly ProduceRecord[]) => Promise<unknown>;
  readonly #token: string;
  readonly #answered = new Map<string, (now: number) => void>();
  readonly close: () => Promise<void>;

  private constructor(
    produce: (records: readonly ProduceRecord[]) => Promise<unknown>,
    token: string,
    close: () => Promise<void>,
  ) {
    this.#produce = produce;
    this.#token = token;
    this.close = close;
  }

  static async open(folder: string, service: string): Promise<Pipeline> {
    const log = await openEmbeddedLog({ folder: join(folder, 'log') });
    const sizing = { partitions: 4, replication: 1, resultsRetentionMs: HOUR, ingestRetentionMs: HOUR };
    await log.createTopics(topicDefinitions({ ...sizing, maxImageMessageBytes: 17 << 20 }));
    const keysFolder = join(folder, 'keys');
    const keys = await openTokenKeys(keysFolder);
    const issuedAt = Date.now();
    const claims = { client: 'bench', grants: { [`${service}-*`]: {} }, issuedAt, expiresAt: issuedAt + HOUR };
    const role = await startVision(
      {
        log,
        logSettings: { kind: 'embedded', folder: join(folder, 'log') },
        verifier: new TokenVerifier(() => keys),
        blobs: new FolderBlobStore(join(folder, 'blobs')),
        logger: pino({ level: 'warn' }, process.stderr),
        metrics: new Registry(),
        dataFolder: join(folder, 'vision'),
        keysFolder,
      },
      Value.Default(VisionConfig, {
        services: [service],
        processes: 1,
        threads: THREADS,
        provider: 'cpu',
      }) as VisionConfig,
      service,
    );
    while (!role.readiness().ready) await sleep(20);
    const watermarks = await log.watermarks(RESULTS_TOPIC);
    const pipeline: Pipeline = new Pipeline(
      (records) => log.produce(INGEST_TOPIC, records),
      await mintToken(keys, claims),
      async () => {
        await following.close();
        await role.stop();
        await log.close();
      },
    );
    const following = await log.follow({
      topic: RESULTS_TOPIC,
      from: new Map(watermarks.map(({ partition, end }) => [partition, end])),
      onBatch: async (batch) => pipeline.#hear(batch),
    });
    return pipeline;
  }

  /** Submits an image. @returns when its marker is on the log: performance.now() */
  async submit(bytes: Uint8Array, transaction: string): Promise<number> {
    const imageId = newMessageId(Date.now());
    const answered = new Promise<number>((resolve) => this.#answered.set(imageId, resolve));
    const image: IngestedImage = {
      imageId,
      mediaType: 'image/jpeg',
      width: 1,
      height: 1,
      sha256: createHash('sha256').update(bytes).digest(),
      content: { oneofKind: 'inline', inline: bytes },
    };
    const context = { client: 'bench', correlationId: transaction, token: this.#token, traceparent: '' };
    const event = { messageId: imageId, eventTime: Date.now(), type: IngestedImage, message: image };
    await this.#produce([{ key: transaction, value: packEvent(context, event) }]);
    return answered;
  }

  #hear(batch: Batch): void {
    const now = performance.now();
    for (const record of batch.records) {
      const event = unpackEvent(record.value);
      if (event.type === ServiceFailed.typeName) throw new Error(payloadOf(event, ServiceFailed).detail);
      if (event.type !== ServiceCompleted.typeName) continue;
      const { imageId } = payloadOf(event, ServiceCompleted);
      this.#answered.get(imageId)?.(now);
      this.#answered.delete(imageId);
    }
  }
}
