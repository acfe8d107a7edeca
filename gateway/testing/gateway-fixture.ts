/** For tests: a gateway on an HTTP edge of its own with real keys, in front of any log. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import Value from 'typebox/value';
import { FolderBlobStore } from '../../protocol/blob/folder-blob-store.ts';
import type { Grants } from '../../protocol/claims/grant.ts';
import { openTokenKeys } from '../../protocol/claims/keys.ts';
import { mintToken } from '../../protocol/claims/token.ts';
import { TokenVerifier } from '../../protocol/claims/verifier.ts';
import type { Waits } from '../../protocol/http/listener.ts';
import { registerOperatorRoutes } from '../../protocol/http/operator-routes.ts';
import { createHttpServer, type HttpServer } from '../../protocol/http/server.ts';
import type { Log } from '../../protocol/log/log.ts';
import { GatewayConfig } from '../config.ts';
import { startGateway } from '../main.ts';

export interface GatewayFixture {
  readonly server: HttpServer;
  /** Base URL once `listen` was asked for; '' before. */
  readonly url: string;
  readonly metrics: Registry;
  readonly folder: string;
  token(client: string, grants?: Grants, validMs?: number, idempotentOnly?: boolean): Promise<string>;
  close(): Promise<void>;
}

export const SUBMIT_GRANTS: Grants = { 'ingest-1': {}, 'ocr-*': {}, 'barcode-1.0': {}, 'firehose-1': {} };
const HOUR = 3_600_000;

export async function openGateway(
  log: Log,
  overrides: Partial<GatewayConfig> = {},
  options: { readonly listen?: boolean; readonly keysFolder?: string; readonly waits?: Waits } = {},
): Promise<GatewayFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-gateway-'));
  const keysFolder = options.keysFolder ?? join(folder, 'keys');
  const keys = await openTokenKeys(keysFolder);
  const logger = pino({ level: 'silent' });
  const metrics = new Registry();
  const server = createHttpServer({
    logger: logger as unknown as FastifyBaseLogger,
    bodyLimit: 1 << 20,
    ...(options.waits !== undefined && { waits: options.waits }),
  });
  const role = await startGateway(
    {
      log,
      // The gateway itself opens no second log.
      logSettings: { kind: 'embedded', folder: join(folder, 'log') },
      keysFolder,
      blobs: new FolderBlobStore(join(folder, 'blobs')),
      verifier: new TokenVerifier(() => keys),
      logger,
      metrics,
      dataFolder: join(folder, 'gateway'),
    },
    { ...(Value.Default(GatewayConfig, {}) as GatewayConfig), ...overrides },
  );
  registerOperatorRoutes(server, [role], metrics);
  await server.register(role.routes!);
  const url = options.listen === true ? await server.listen({ host: '127.0.0.1', port: 0 }) : '';
  return {
    server,
    url,
    metrics,
    folder,
    token: (client, grants = SUBMIT_GRANTS, validMs = HOUR, idempotentOnly = false) => {
      const issuedAt = Date.now();
      return mintToken(keys, { client, grants, issuedAt, expiresAt: issuedAt + validMs, idempotentOnly });
    },
    async close() {
      await server.close();
      await role.stop();
      await rm(folder, { recursive: true });
    },
  };
}
