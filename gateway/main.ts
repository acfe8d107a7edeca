/** Starts the gateway: the role that takes images in. */
import { LogWatch } from '../protocol/log/log-watch.ts';
import { nodeName } from '../protocol/node-name.ts';
import type { RoleContext, RunningRole } from '../protocol/role.ts';
import { PUSH_SERVICE } from '../protocol/webhook/grant.ts';
import { openSealingKeys } from '../protocol/webhook/sealing.ts';
import { ClientDirectory } from './clients/client-directory.ts';
import type { GatewayConfig } from './config.ts';
import { registerConsole } from './console/console-routes.ts';
import { restrictLoaders } from './images/image-header.ts';
import { IdempotencyStore } from './ingest/idempotency-store.ts';
import { InFlight } from './ingest/in-flight.ts';
import { registerSubmitImages } from './ingest/submit-images-route.ts';
import { Admission } from './load/admission.ts';
import { ClientLimits } from './load/client-limits.ts';
import { JOURNAL_SERVICE } from './load/demand.ts';
import { followCapacity } from './load/follow-capacity.ts';
import { LoadSignal } from './load/load-signal.ts';
import { gatewayMetrics } from './metrics.ts';
import { registerTransactions } from './transactions/transaction-routes.ts';
import { registerWebhook } from './webhook/webhook-routes.ts';
import { Webhooks } from './webhook/webhooks.ts';

/** As long as the edge gives its requests. */
const DRAIN_MS = 10_000;
const FORGET_SUBMISSIONS_EVERY_MS = 600_000;

export async function startGateway(context: RoleContext, config: GatewayConfig): Promise<RunningRole> {
  restrictLoaders();
  const inFlight = new InFlight({
    requestsPerClient: config.maxRequestsInFlightPerClient,
    bytes: config.maxBytesInFlight,
  });
  const { log, verifier, blobs, logger } = context;
  const webhooks = new Webhooks(log);
  const stopFollowing = await webhooks.follow((err) => logger.warn({ err }, 'changes of webhooks cannot be read'));
  const sealingKeys = await openSealingKeys(context.keysFolder);
  const directory = await ClientDirectory.open(log, context.dataFolder, logger);
  const signal = new LoadSignal({
    maxWaitSeconds: (service) => longestWait(config, service),
    forgetAfterMs: config.forgetServiceAfterMs,
  });
  const stopCapacity = await followCapacity(log, signal, (err) => logger.warn({ err }, 'capacity cannot be read'));
  const idempotency = new IdempotencyStore(context.dataFolder);
  const forgetting = setInterval(
    () => idempotency.forgetBefore(Date.now() - config.idempotencyRetentionMs),
    FORGET_SUBMISSIONS_EVERY_MS,
  );
  const logWatch = new LogWatch({ log, name: `gateway-${nodeName(context.dataFolder)}` });
  const dependencies = {
    stores: { log, blobs, inlineBytes: config.maxInlineImageBytes },
    verifier,
    idempotency,
    inFlight,
    admission: new Admission(signal, Math.random),
    clientLimits: new ClientLimits(directory, config.requestsPerSecondPerClient),
    metrics: gatewayMetrics(context.metrics, inFlight, signal),
    limits: {
      imageBytes: config.maxImageBytes,
      imagePixels: config.maxImagePixels,
      images: config.maxImagesPerRequest,
      requestBytes: config.maxRequestBytes,
    },
    retryAfterSeconds: config.retryAfterSeconds,
    now: Date.now,
  };
  return {
    name: 'gateway',
    routes: async (server) => {
      const { retryAfterSeconds, webhook } = config;
      await registerSubmitImages(server, dependencies);
      await registerTransactions(server, { log, verifier, retryAfterSeconds, now: Date.now });
      await registerWebhook(server, { webhooks, sealingKeys, verifier, retryAfterSeconds, now: Date.now }, webhook);
      await registerConsole(server);
    },
    readiness: () => logWatch.readiness(`${inFlight.requests} submissions in flight`),
    async stop() {
      // The HTTP edge finishes the requests that it has; what they need goes after them.
      await inFlight.idle(DRAIN_MS);
      clearInterval(forgetting);
      logWatch.close();
      await Promise.all([stopFollowing(), stopCapacity(), directory.close()]);
      idempotency.close();
    },
  };
}

/** Seconds. */
function longestWait(config: GatewayConfig, service: string): number {
  if (service === JOURNAL_SERVICE) return config.maxJournalWaitSeconds;
  if (service === PUSH_SERVICE) return config.maxPushWaitSeconds;
  return config.maxWaitSeconds;
}
