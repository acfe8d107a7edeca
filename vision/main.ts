/** Starts one vision service: its inference process and the worker loop that feeds it. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { groupSample, startCapacityReporter } from '../protocol/capacity/reporter.ts';
import { INGEST_TOPIC } from '../protocol/log/topics.ts';
import type { Readiness, RoleContext, RunningRole } from '../protocol/role.ts';
import type { VisionConfig } from './config.ts';
import { type InferenceEvent, startInferenceProcess } from './inference/inference-process.ts';
import { loadService } from './services/registry.ts';
import { SYNTHETIC_SERVICE, syntheticEngine } from './synthetic/engine.ts';
import { Attempts } from './worker/attempts.ts';
import { type Engine, inferenceEngine } from './worker/engine.ts';
import { enginePool } from './worker/engine-pool.ts';
import { workerMetrics } from './worker/metrics.ts';
import { consumerGroup, type ServiceIdentity } from './worker/service-identity.ts';
import { startWorker } from './worker/worker.ts';

const THREADS_PER_PROCESS = 2;

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
    { ...config, maxImagesInFlight: imagesInFlight(config) },
  );
  const stopReporting = startCapacityReporter({
    log,
    service: service.name,
    instance: service.version,
    sample: groupSample(log, consumerGroup(service), INGEST_TOPIC),
    now: Date.now,
    onError: (err) => logger.warn({ err }, 'capacity cannot be reported'),
  });
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
      await stopReporting();
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
  const { processes, threads } = shareOfMachine(config, availableParallelism());
  const engines = Array.from({ length: processes }, () => {
    const inference = startInferenceProcess({
      service: name,
      threads,
      // What waits beyond what the processes hold waits in the worker's gate.
      maxWaiting: imagesInFlight(config),
      providers: config.provider === 'cpu' ? ['cpu'] : ['cuda', 'cpu'],
      limits: { maxPixels: config.maxPixels },
      onEvent: (event) => report(event, logger),
    });
    return inferenceEngine(inference, service.resultType);
  });
  return { service, engine: enginePool(engines) };
}

/**
 * How a service uses its share of the cores: small models gain little from more than two threads, so more cores than that
 * go to further processes.
 */
export function shareOfMachine(
  config: Pick<VisionConfig, 'services' | 'processes' | 'threads'>,
  cores: number,
): { processes: number; threads: number } {
  const share = Math.max(1, Math.floor(cores / config.services.length));
  const processes = config.processes || Math.max(1, Math.floor(share / (config.threads || THREADS_PER_PROCESS)));
  return { processes, threads: config.threads || Math.max(1, Math.floor(share / processes)) };
}

/** In each process one image is analysed while the next is decoded; two more are at hand. */
function imagesInFlight(config: VisionConfig): number {
  return config.maxImagesInFlight || 2 * shareOfMachine(config, availableParallelism()).processes + 2;
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
