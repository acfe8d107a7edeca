/** Starts the gateway: the role that takes images in. */
import type { RoleContext, RunningRole } from '../protocol/role.ts';
import { openSealingKeys } from '../protocol/webhook/sealing.ts';
import type { GatewayConfig } from './config.ts';
import { registerConsole } from './console/console-routes.ts';
import { restrictLoaders } from './images/image-header.ts';
import { InFlight } from './ingest/in-flight.ts';
import { registerSubmitImages } from './ingest/submit-images-route.ts';
import { gatewayMetrics } from './metrics.ts';
import { registerWebhook } from './webhook/webhook-routes.ts';
import { Webhooks } from './webhook/webhooks.ts';

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
  const dependencies = {
    stores: { log, blobs, inlineBytes: config.maxInlineImageBytes },
    verifier,
    inFlight,
    metrics: gatewayMetrics(context.metrics, inFlight),
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
      await registerSubmitImages(server, dependencies);
      const { retryAfterSeconds, webhook } = config;
      await registerWebhook(server, { webhooks, sealingKeys, verifier, retryAfterSeconds, now: Date.now }, webhook);
      await registerConsole(server);
    },
    readiness: () => ({ ready: true, detail: `${inFlight.requests} submissions in flight` }),
    // The HTTP edge finishes the requests that it has; nothing else goes on here between requests.
    stop: stopFollowing,
  };
}
