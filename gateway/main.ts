/** Starts the gateway: the role that takes images in. */
import type { RoleContext, RunningRole } from '../protocol/role.ts';
import type { GatewayConfig } from './config.ts';
import { registerConsole } from './console/console-routes.ts';
import { restrictLoaders } from './images/image-header.ts';
import { InFlight } from './ingest/in-flight.ts';
import { registerSubmitImages } from './ingest/submit-images-route.ts';
import { gatewayMetrics } from './metrics.ts';

export async function startGateway(context: RoleContext, config: GatewayConfig): Promise<RunningRole> {
  restrictLoaders();
  const inFlight = new InFlight({
    requestsPerClient: config.maxRequestsInFlightPerClient,
    bytes: config.maxBytesInFlight,
  });
  const { log, verifier } = context;
  const dependencies = {
    log,
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
      await registerConsole(server);
    },
    readiness: () => ({ ready: true, detail: `${inFlight.requests} submissions in flight` }),
    // The HTTP edge finishes the requests that it has; nothing goes on here between requests.
    stop: async () => {},
  };
}
