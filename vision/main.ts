/** Starts one vision service: its inference processes, the worker loop that feeds them, and the watch over its manifest. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { groupSample, startCapacityReporter } from '../protocol/capacity/reporter.ts';
import { INGEST_TOPIC } from '../protocol/log/topics.ts';
import type { Readiness, RoleContext, RunningRole } from '../protocol/role.ts';
import { keepYoungGenerationSmall } from '../protocol/young-generation.ts';
import type { VisionConfig } from './config.ts';
import { imagesInFlight } from './machine.ts';
import { openEngine } from './open-engine.ts';
import { Attempts } from './worker/attempts.ts';
import { workerMetrics } from './worker/metrics.ts';
import { consumerGroup, instanceName } from './worker/service-identity.ts';
import { startWorker } from './worker/worker.ts';

/**
 * @param serviceName as `vision.services` names it: `ocr`, `document-1.1`
 * @throws {ModelUnavailable} there is no service of that name
 */
export async function startVision(
  context: RoleContext,
  config: VisionConfig,
  serviceName: string,
): Promise<RunningRole> {
  keepYoungGenerationSmall();
  const logger = context.logger.child({ service: serviceName });
  const { service, engine, onModels } = await openEngine(config, serviceName, logger);
  const attempts = new Attempts(join(context.dataFolder, `${service.name}-${service.version}`), Date.now());
  const metrics = workerMetrics(context.metrics, service);
  onModels((models) => metrics.models(models));
  const { log, verifier, blobs } = context;
  // Consuming begins at once; what comes before the models are there waits for them.
  engine.ready().catch((error: unknown) => logger.error({ err: error }, 'the service cannot be opened'));
  const subscription = await startWorker(
    { service, log, verifier, blobs, engine, attempts, metrics, logger, now: Date.now },
    { ...config, maxImagesInFlight: imagesInFlight(config, availableParallelism()) },
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
    name: `vision-${instanceName(service)}`,
    readiness(): Readiness {
      if (ended !== undefined) return { ready: false, detail: 'the worker has ended on an error' };
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
