/** A whole firehose node for one test: embedded log, journaler thread, HTTP edge on a free port, and a way to produce results. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { MessageType } from '@protobuf-ts/runtime';
import type { FastifyBaseLogger } from 'fastify';
import { type Logger, pino } from 'pino';
import { Registry } from 'prom-client';
import { openJournalReader } from '../../journal/reader.ts';
import { FolderBlobStore } from '../../protocol/blob/folder-blob-store.ts';
import { openTokenKeys, type TokenKeys } from '../../protocol/claims/keys.ts';
import { mintToken } from '../../protocol/claims/token.ts';
import { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { loadConfig } from '../../protocol/config/load.ts';
import { packEvent } from '../../protocol/envelope.ts';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { TlsFiles } from '../../protocol/http/listener.ts';
import { createHttpServer, type HttpServer } from '../../protocol/http/server.ts';
import type { Log, ProducedRecord } from '../../protocol/log/log.ts';
import { openLog } from '../../protocol/log/open.ts';
import { RESULTS_TOPIC, topicDefinitions } from '../../protocol/log/topics.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import type { Readiness, RunningRole } from '../../protocol/role.ts';
import { FirehoseConfig } from '../config.ts';
import { startFirehose } from '../main.ts';
import { freePort } from './free-port.ts';

const HOUR = 3_600_000;
const READY_MS = 60_000;

export interface Produced {
  readonly transaction?: string;
  readonly text?: string;
  readonly label?: string;
  readonly confidence?: number;
  readonly messageId?: string;
  readonly eventTime?: number;
}

export class TestNode implements AsyncDisposable {
  readonly folder: string;
  readonly log: Log;
  readonly keys: TokenKeys;
  readonly #dataFolder: string;
  readonly #overrides: object;
  readonly #tls: TlsFiles | undefined;
  #role!: RunningRole;
  #server!: HttpServer;
  /** Of the role that runs now. */
  metrics = new Registry();
  url = '';

  private constructor(
    folder: string,
    log: Log,
    keys: TokenKeys,
    dataFolder: string,
    overrides: object,
    tls: TlsFiles | undefined,
  ) {
    this.#tls = tls;
    this.folder = folder;
    this.log = log;
    this.keys = keys;
    this.#dataFolder = dataFolder;
    this.#overrides = overrides;
  }

  /** @param overrides of the firehose's config @param tls serves HTTPS with these */
  static async start(overrides: object = {}, partitions = 2, tls?: TlsFiles): Promise<TestNode> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-firehose-'));
    const log = await openLog({ kind: 'embedded', folder: join(folder, 'log') });
    await log.createTopics(
      topicDefinitions({
        partitions,
        replication: 1,
        resultsRetentionMs: HOUR,
        ingestRetentionMs: HOUR,
        maxImageMessageBytes: 1 << 20,
      }),
    );
    const keys = await openTokenKeys(join(folder, 'keys'));
    const node = new TestNode(folder, log, keys, join(folder, 'firehose'), overrides, tls);
    await node.startRole();
    return node;
  }

  /** Another node on the same folders, not started. */
  twin(): TestNode {
    return new TestNode(this.folder, this.log, this.keys, this.#dataFolder, this.#overrides, this.#tls);
  }

  /** Another node on the same log with journals of its own, not started. */
  neighbour(id: string, overrides: object = {}): TestNode {
    return new TestNode(this.folder, this.log, this.keys, join(this.folder, id), overrides, undefined);
  }

  /** Of a partition. */
  journalFolder(partition: number): string {
    return join(this.#dataFolder, 'journal', String(partition));
  }

  readiness(): Readiness {
    return this.#role.readiness();
  }

  /** @param port 0: any that is free */
  async startRole({ wait = true, port = 0 } = {}): Promise<void> {
    this.metrics = new Registry();
    const logger: Logger = pino({ level: process.env.TEST_LOG ?? 'silent' });
    const at = port === 0 ? await freePort() : port;
    const flags = { 'node-id': basename(this.#dataFolder), 'node-advertised-url': `http://127.0.0.1:${at}` };
    const config = loadConfig(FirehoseConfig, { flags, environment: {}, file: this.#overrides });
    this.#role = await startFirehose(
      {
        log: this.log,
        logSettings: { kind: 'embedded', folder: join(this.folder, 'log') },
        verifier: new TokenVerifier(() => this.keys),
        blobs: new FolderBlobStore(join(this.folder, 'blobs')),
        logger,
        metrics: this.metrics,
        dataFolder: this.#dataFolder,
        keysFolder: join(this.folder, 'keys'),
      },
      config,
    );
    this.#server = createHttpServer({
      logger: logger as unknown as FastifyBaseLogger,
      bodyLimit: 1 << 20,
      corsOrigins: ['https://app.example'],
      ...(this.#tls !== undefined && { tls: this.#tls }),
    });
    await this.#server.register(this.#role.routes!);
    this.url = await this.#server.listen({ host: '127.0.0.1', port: at });
    const deadline = Date.now() + READY_MS;
    while (wait && !this.#role.readiness().ready) {
      if (Date.now() > deadline) throw new Error(this.#role.readiness().detail);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** As SIGTERM does: goodbyes, then the end. */
  async stopRole(): Promise<void> {
    const closed = this.#server.close();
    await this.#role.stop();
    await closed;
  }

  token(client: string, { grants = { 'firehose-1': {} }, ttlMs = HOUR }: { grants?: object; ttlMs?: number } = {}) {
    const issuedAt = Date.now();
    return mintToken(this.keys, { client, grants: grants as never, issuedAt, expiresAt: issuedAt + ttlMs });
  }

  /** Produces one `ocr.v1m0.TextLine` for each and waits until they are journaled. */
  async produce(client: string, messages: readonly Produced[]): Promise<ProducedRecord[]> {
    const token = await this.token(client);
    const produced = await this.produceRaw(
      client,
      messages.map(({ text = '', label = 'text', confidence = 0.5, ...rest }, index) =>
        this.event(client, token, TextLine, TextLine.create({ imageId: 'i', index, label, confidence, text }), rest),
      ),
    );
    await this.journaled(produced.at(-1)!);
    return produced;
  }

  async journaled({ partition, offset }: ProducedRecord): Promise<void> {
    const reader = openJournalReader(this.journalFolder(partition));
    try {
      const deadline = Date.now() + READY_MS;
      while (reader.bounds().position <= offset) {
        if (Date.now() > deadline) throw new Error(`offset ${offset} is not journaled`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    } finally {
      reader.close();
    }
  }

  event<T extends object>(
    client: string,
    token: string,
    type: MessageType<T>,
    message: T,
    { transaction = 't', messageId, eventTime = Date.now() }: Produced = {},
  ): Uint8Array {
    return packEvent(
      { correlationId: transaction, client, token, traceparent: '' },
      { messageId: messageId ?? newMessageId(eventTime), eventTime, type, message },
    );
  }

  produceRaw(key: string, values: readonly Uint8Array[]): Promise<ProducedRecord[]> {
    return this.log.produce(
      RESULTS_TOPIC,
      values.map((value) => ({ key, value })),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopRole();
    await this.log.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
