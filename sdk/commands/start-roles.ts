/**
 * Starts roles in this process and wires them to one log, one set of keys, one HTTP edge. The composition root: it knows
 * every role, and no role knows it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { startFirehose } from '../../firehose/main.ts';
import { startIdentity } from '../../gateway/identity/main.ts';
import { startGateway } from '../../gateway/main.ts';
import sluicePackage from '../../package.json' with { type: 'json' };
import { blobMeasurement } from '../../protocol/blob/measured-blob-store.ts';
import { openBlobStores } from '../../protocol/blob/open.ts';
import { retireBlobs } from '../../protocol/blob/retire-blobs.ts';
import { watchBlobStore } from '../../protocol/blob/watch-blob-store.ts';
import { followRevocations } from '../../protocol/claims/follow-revocations.ts';
import { openKeyRing } from '../../protocol/claims/key-ring.ts';
import { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { registerOpenApi } from '../../protocol/http/openapi.ts';
import { registerOperatorRoutes } from '../../protocol/http/operator-routes.ts';
import { registerSecurityHeaders } from '../../protocol/http/security-headers.ts';
import { createHttpServer } from '../../protocol/http/server.ts';
import { openLog } from '../../protocol/log/open.ts';
import { ProgressWatch } from '../../protocol/log/progress-watch.ts';
import { topicDefinitions } from '../../protocol/log/topics.ts';
import type { RoleContext, RunningRole } from '../../protocol/role.ts';
import { registerHttpMetrics } from '../../protocol/telemetry/http-metrics.ts';
import { logMeasurement } from '../../protocol/telemetry/measured-log.ts';
import { startTracing } from '../../protocol/telemetry/tracing.ts';
import { startPush } from '../../push/main.ts';
import { startVision } from '../../vision/main.ts';
import { startSummary } from '../../vision/summary/main.ts';
import { blobRetention, checkRetention } from './check-retention.ts';
import type { SluiceConfig } from './config.ts';
import { logSettings } from './log-settings.ts';
import { ROLES, type RoleName } from './role-names.ts';

export interface RunningSluice {
  /** Base URL of the HTTP edge. */
  readonly url: string;
  /** Resolves when every role is ready; never where they are stopped before that. */
  readonly ready: Promise<void>;
  /** Stops what takes work in first, what finishes work last. Idempotent. */
  stop(): Promise<void>;
}

const READY_POLL_MS = 50;

export async function startRoles(
  names: readonly RoleName[],
  config: SluiceConfig,
  logger: Logger,
): Promise<RunningSluice> {
  const tracing = startTracing(config.telemetry);
  const settings = logSettings(config);
  const metrics = new Registry();
  const blobsFolder = join(config.data, 'blobs');
  const blobs = openBlobStores(readingAllThatIsTaken(config), blobsFolder, blobMeasurement(metrics));
  const log = await openLog(settings);
  if (config.topics.create) await log.createTopics(topicDefinitions(config.topics));
  if (names.includes('firehose')) await checkRetention(log, config.firehose.journal.retentionMs);
  const keysFolder = join(config.data, 'keys');
  const keyRing = await openKeyRing(keysFolder, {
    onError: (err) => logger.error({ err }, 'keys cannot be read again'),
  });
  const followed = await followRevocations(log, (err) => logger.warn({ err }, 'revocations cannot be read now'));
  const verifier = new TokenVerifier(() => keyRing.keys(), followed.revocations);
  collectDefaultMetrics({ register: metrics });
  const measured = logMeasurement(metrics, Date.now);
  const progress = new ProgressWatch({ stallMs: config.progressTimeoutMs, logger, metrics });
  const contextOf = (name: RoleName): RoleContext => ({
    log: progress.watch(measured(log, name), name),
    logSettings: settings,
    telemetry: config.telemetry,
    blobs,
    verifier,
    logger: logger.child({ role: name }),
    metrics,
    dataFolder: join(config.data, name),
    keysFolder,
  });

  const roles: RunningRole[] = [];
  const server = createHttpServer({
    logger: logger as unknown as FastifyBaseLogger,
    bodyLimit: 1 << 20,
    waits: config.http,
    corsOrigins: config.corsOrigins,
    ...(config.tlsCertFile !== '' && {
      tls: { cert: await readFile(config.tlsCertFile), key: await readFile(config.tlsKeyFile) },
    }),
  });
  registerHttpMetrics(server, metrics);
  // Gateways write blobs, so gateways retire them.
  const stopRetiring =
    names.includes('gateway') && config.blobs.retire
      ? retireBlobs(blobs, () => blobRetention(log, config.blobs.retentionMarginMs), logger)
      : () => {};
  const stopping = new AbortController();
  const stop = once(async () => {
    stopping.abort();
    stopRetiring();
    // The edge takes no new requests; then, in the order of ROLES, the gateway finishes those it has, readers are told
    // goodbye, and work in flight is done. The log goes last: everything before writes to it.
    const edgeClosed = server.close();
    for (const role of roles) await role.stop();
    await edgeClosed;
    keyRing.close();
    await followed.close();
    await log.close();
    await tracing?.stop();
  });
  try {
    await registerSecurityHeaders(server, config.tlsCertFile !== '');
    await registerOpenApi(server, sluicePackage.version);
    for (const name of ROLES.filter((role) => names.includes(role)))
      roles.push(...(await startRole(name, contextOf(name), config)));
    if (names.includes('gateway') || names.includes('vision')) roles.push(watchBlobStore(blobs, logger));
    roles.push(progress);
    registerOperatorRoutes(server, roles, metrics);
    for (const role of roles) if (role.routes !== undefined) await server.register(role.routes);
    const url = await server.listen({ host: config.host, port: config.port });
    return { url, ready: allReady(roles, stopping.signal), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startRole(name: RoleName, context: RoleContext, config: SluiceConfig): Promise<RunningRole[]> {
  switch (name) {
    case 'identity':
      return [await startIdentity(context, config.identity)];
    case 'gateway':
      return [await startGateway(context, config.gateway)];
    case 'firehose':
      return [await startFirehose(context, config.firehose)];
    case 'vision':
      return Promise.all(config.vision.services.map((service) => startVision(context, config.vision, service)));
    case 'summary':
      return [await startSummary(context, config.summary)];
    case 'push':
      return [await startPush(context, config.push)];
  }
}

/** What a gateway of this config takes in can be read again, whatever the limit for reading says. */
function readingAllThatIsTaken({ blobs, gateway }: SluiceConfig): SluiceConfig['blobs'] {
  return { ...blobs, maxBytes: Math.max(blobs.maxBytes, gateway.maxImageBytes) };
}

/** Stays open where the roles are stopped before they are ready: a poll that went on would keep the process alive. */
function allReady(roles: readonly RunningRole[], stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const poll = () => {
      if (stopping.aborted) return;
      if (roles.every((role) => role.readiness().ready)) resolve();
      else setTimeout(poll, READY_POLL_MS);
    };
    poll();
  });
}

function once(action: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => {
    result ??= action();
    return result;
  };
}
