/**
 * What the front door costs: images of 100 KiB through the whole gateway, as a ratio to a bare fastify route that reads the
 * same body and does the same writes to the same kind of log.
 *
 * The requests come from a process of their own (autocannon), to a server in this one.
 */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import fastify, { type FastifyBaseLogger } from 'fastify';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import sharp from 'sharp';
import Value from 'typebox/value';
import { GatewayConfig } from '../gateway/config.ts';
import { appendSubmission } from '../gateway/ingest/submission.ts';
import { startGateway } from '../gateway/main.ts';
import { FolderBlobStore } from '../protocol/blob/folder-blob-store.ts';
import { openTokenKeys } from '../protocol/claims/keys.ts';
import { mintToken } from '../protocol/claims/token.ts';
import { TokenVerifier } from '../protocol/claims/verifier.ts';
import { createHttpServer } from '../protocol/http/server.ts';
import { openEmbeddedLog } from '../protocol/log/embedded/open.ts';
import type { Log } from '../protocol/log/log.ts';
import { topicDefinitions } from '../protocol/log/topics.ts';
import { newMessageId } from '../protocol/message-id.ts';
import type { LoadOutcome } from './ingest-load.ts';
import type { BenchContext, Measurement, OpenVariant, Suite } from './suite.ts';

const IMAGE_BYTES = 100 << 10;
const CONNECTIONS = 16;
const SECONDS = 4;
const HOUR = 3_600_000;
const MEDIA_TYPE = 'image/jpeg';
const DURABILITY = 'fsync before each answer, grouped';

export const suite: Suite = {
  name: 'ingest',
  about: 'images of 100 KiB taken in over HTTP and acknowledged by the embedded log',
  cases: [
    {
      name: `${CONNECTIONS} connections`,
      unit: 'requests/s',
      better: 'higher',
      goals: [{ subject: 'gateway', against: 'bare route', atLeast: 0.7 }],
      variants: [
        { name: 'gateway', kind: 'subject', durability: DURABILITY, open: openGatewayVariant },
        { name: 'bare route', kind: 'limit', durability: DURABILITY, open: openBareVariant },
      ],
    },
  ],
};

async function openGatewayVariant({ folder, scale }: BenchContext): Promise<OpenVariant> {
  const log = await openLog(folder);
  const keysFolder = join(folder, 'keys');
  const keys = await openTokenKeys(keysFolder);
  const logger = pino({ level: 'silent' });
  const defaults = Value.Default(GatewayConfig, {}) as GatewayConfig;
  const role = await startGateway(
    {
      log,
      logSettings: { kind: 'embedded', folder: join(folder, 'log') },
      keysFolder,
      blobs: new FolderBlobStore(join(folder, 'blobs')),
      verifier: new TokenVerifier(() => keys),
      logger,
      metrics: new Registry(),
      dataFolder: join(folder, 'gateway'),
    },
    // As shipped, but for the rate that one client is allowed.
    { ...defaults, requestsPerSecondPerClient: 1_000_000 },
  );
  const server = createHttpServer({ logger: logger as unknown as FastifyBaseLogger, bodyLimit: 1 << 20 });
  await server.register(role.routes!);
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const issuedAt = Date.now();
  const grants = { 'ingest-1': {}, 'ocr-*': {}, 'faceextract-*': {}, 'firehose-1': {} };
  const token = await mintToken(keys, { client: 'bench', grants, issuedAt, expiresAt: issuedAt + HOUR });
  const image = await sampleJpeg();
  return {
    measure: () => fire(`${url}/v1/transactions/t/images`, image, { authorization: `Bearer ${token}` }, scale),
    async close() {
      await server.close();
      await role.stop();
      await log.close();
    },
  };
}

async function openBareVariant({ folder, scale }: BenchContext): Promise<OpenVariant> {
  const log = await openLog(folder);
  const blobs = new FolderBlobStore(join(folder, 'blobs'));
  const server = fastify({ bodyLimit: 1 << 20 });
  server.addContentTypeParser(MEDIA_TYPE, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  const context = { correlationId: 't', client: 'bench', token: 'x'.repeat(900), traceparent: 'x'.repeat(55) };
  const facts = { mediaType: MEDIA_TYPE, width: 1, height: 1, name: '', sha256: Buffer.alloc(32) } as const;
  server.post<{ Body: Buffer }>('/', async (request, reply) => {
    const eventTime = Date.now();
    const images = [{ ...facts, imageId: newMessageId(eventTime), content: request.body }];
    await appendSubmission({ log, blobs, inlineBytes: 4 << 20 }, { context, services: ['ocr'], images, eventTime });
    return reply.code(202).send({ image: images[0]!.imageId });
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const image = await sampleJpeg();
  return {
    measure: () => fire(url, image, {}, scale),
    async close() {
      await server.close();
      await log.close();
    },
  };
}

async function openLog(folder: string): Promise<Log> {
  const log = await openEmbeddedLog({ folder: join(folder, 'log') });
  await log.createTopics(
    topicDefinitions({
      partitions: 8,
      replication: 1,
      resultsRetentionMs: HOUR,
      ingestRetentionMs: HOUR,
      maxImageMessageBytes: 17 << 20,
    }),
  );
  return log;
}

async function fire(url: string, body: Buffer, headers: Record<string, string>, scale: number): Promise<Measurement> {
  const options = {
    url,
    method: 'POST',
    body,
    headers: { 'content-type': MEDIA_TYPE, ...headers },
    connections: CONNECTIONS,
    duration: Math.max(1, SECONDS * scale),
  };
  const load = fork(new URL('./ingest-load.ts', import.meta.url), { serialization: 'advanced' });
  load.send(options);
  const [outcome] = (await once(load, 'message')) as [LoadOutcome];
  const { accepted, refused, errors, total, seconds, p50, p99 } = outcome;
  if (errors > 0 || refused > 0 || accepted === 0)
    throw new Error(`of ${total} requests ${refused} were refused and ${errors} broke`);
  return { value: accepted / seconds, also: { p50_ms: p50, p99_ms: p99 } };
}

/** Noise, so that its size is that of its pixels' disorder, cut to the size by its quality. */
async function sampleJpeg(): Promise<Buffer> {
  const side = 360;
  const noise = sharp(randomBytes(side * side * 3), { raw: { width: side, height: side, channels: 3 } });
  for (let quality = 30; ; quality += 5) {
    const jpeg = await noise.jpeg({ quality }).toBuffer();
    if (jpeg.byteLength >= IMAGE_BYTES || quality >= 95) return jpeg;
  }
}
