/** Starts one vision service: its inference process and the worker loop that feeds it. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Readiness, RoleContext, RunningRole } from '../protocol/role.ts';
import type { VisionConfig } from './config.ts';
import { type InferenceEvent, startInferenceProcess } from './inference/inference-process.ts';
import { loadService } from './services/registry.ts';
import { SYNTHETIC_SERVICE, syntheticEngine } from './synthetic/engine.ts';
import { Attempts } from './worker/attempts.ts';
import { type Engine, inferenceEngine } from './worker/engine.ts';
import { workerMetrics } from './worker/metrics.ts';
import type { ServiceIdentity } from './worker/service-identity.ts';
import { startWorker } from './worker/worker.ts';

/** @throws {ModelUnavailable} there is no service of that name */
export async function startVision(
  context: RoleContext,
  config: VisionConfig,
  serviceName: string,
): Promise<RunningRole> {
  const logger = context.logger.child({ service: serviceName });
  const { service, engine } = await openEngine(config, serviceName, logger);
  const attempts = new Attempts(join(context.dataFolder, `${service.name}-${service.version}`), Date.now());
  const metrics = workerMetrics(context.metrics, service.name);
  const { log, verifier, blobs } = context;
  let unopened: unknown;
  // Consuming begins at once; what comes before the models are there waits for them.
  engine.ready().catch((error: unknown) => {
    unopened = error;
    logger.error({ err: error }, 'the service cannot be opened');
  });
  const subscription = await startWorker(
    { service, log, verifier, blobs, engine, attempts, metrics, logger, now: Date.now },
    config,
  );
  let ended: unknown;
  subscription.ended.catch((error: unknown) => {
    ended = error;
    logger.fatal({ err: error }, 'the worker has ended');
  });

  return {
    name: `vision-${service.name}`,
    readiness(): Readiness {
      if (ended !== undefined) return { ready: false, detail: 'the worker has ended on an error' };
      if (unopened !== undefined) return { ready: false, detail: String(unopened) };
      return engine.state();
    },
    async stop() {
      await subscription.close();
      await engine.close();
      attempts.close();
    },
  };
}

async function openEngine(
  config: VisionConfig,
  name: string,
  logger: Logger,
): Promise<{ service: ServiceIdentity; engine: Engine }> {
  if (name === SYNTHETIC_SERVICE.name)
    return { service: SYNTHETIC_SERVICE, engine: syntheticEngine('every', config.synthetic) };
  const service = await loadService(name);
  if (config.synthetic.enabled) return { service, engine: syntheticEngine([service.resultType], config.synthetic) };
  const process = startInferenceProcess({
    service: name,
    threads: config.threads === 0 ? shareOfCores(config) : config.threads,
    // One is analysed while the next is decoded; what waits beyond that waits in the worker's gate.
    maxWaiting: config.maxImagesInFlight,
    providers: config.provider === 'cpu' ? ['cpu'] : ['cuda', 'cpu'],
    limits: { maxPixels: config.maxPixels },
    onEvent: (event) => report(event, logger),
  });
  return { service, engine: inferenceEngine(process, service.resultType) };
}

function shareOfCores(config: VisionConfig): number {
  return Math.max(1, Math.floor(availableParallelism() / config.services.length));
}

function report(event: InferenceEvent, logger: Logger): void {
  switch (event.kind) {
    case 'ready':
      logger.info({ models: event.models, pid: event.pid, startMs: Math.round(event.startMs) }, 'inference is ready');
      break;
    case 'notice':
      logger.warn(event.message);
      break;
    case 'died':
      logger.error({ ...event }, 'the inference process died');
  }
}
