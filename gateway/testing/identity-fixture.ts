/** For tests: the identity role on an HTTP edge of its own, on the real embedded log. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import Value from 'typebox/value';
import { FolderBlobStore } from '../../protocol/blob/folder-blob-store.ts';
import { openTokenKeys, type TokenKeys } from '../../protocol/claims/keys.ts';
import { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { createHttpServer, type HttpServer } from '../../protocol/http/server.ts';
import { IdentityConfig } from '../identity/config.ts';
import { startIdentity } from '../identity/main.ts';
import { openTestLog, type TestLog } from './embedded-log.ts';

export interface IdentityFixture {
  readonly server: HttpServer;
  readonly log: TestLog;
  readonly keys: TokenKeys;
  readonly metrics: Registry;
  /** Of the identity store. */
  readonly storeFolder: string;
  /** Posts a form to a path. */
  post(path: string, form: Record<string, string>, headers?: Record<string, string>): Promise<OAuthResponse>;
  close(): Promise<void>;
}

export interface OAuthResponse {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
  readonly body: any;
}

export async function openIdentity(overrides: Partial<IdentityConfig> = {}): Promise<IdentityFixture> {
  const log = await openTestLog();
  const folder = await mkdtemp(join(tmpdir(), 'sluice-identity-'));
  const keysFolder = join(folder, 'keys');
  const keys = await openTokenKeys(keysFolder);
  const logger = pino({ level: 'silent' });
  const metrics = new Registry();
  const server = createHttpServer({ logger: logger as unknown as FastifyBaseLogger, bodyLimit: 1 << 20 });
  const storeFolder = join(folder, 'identity');
  const role = await startIdentity(
    {
      log: log.log,
      logSettings: { kind: 'embedded', folder: join(folder, 'log') },
      keysFolder,
      blobs: new FolderBlobStore(join(folder, 'blobs')),
      verifier: new TokenVerifier(() => keys),
      logger,
      metrics,
      dataFolder: storeFolder,
    },
    { ...(Value.Default(IdentityConfig, {}) as IdentityConfig), requestsPerMinute: 10_000, ...overrides },
  );
  await server.register(role.routes!);
  return {
    server,
    log,
    keys,
    metrics,
    storeFolder,
    async post(path, form, headers = {}) {
      const response = await server.inject({
        method: 'POST',
        url: path,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams(form).toString(),
      });
      return { status: response.statusCode, headers: response.headers, body: response.json() };
    },
    async close() {
      await server.close();
      await role.stop();
      await log.remove();
      await rm(folder, { recursive: true });
    },
  };
}
