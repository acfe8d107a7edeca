/** Opens what describes the images of one service, and keeps it up to date with its manifest. */
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import type { Model } from '../protocol/generated/vision/v1m0/vision_pb.js';
import type { VisionConfig } from './config.ts';
import { type InferenceEvent, startInferenceProcess } from './inference/inference-process.ts';
import { imagesInFlight, providersOf, shareOfMachine } from './machine.ts';
import { followManifest } from './models/follow-manifest.ts';
import type { ManifestSource } from './models/manifest.ts';
import { findManifest } from './models/model-folder.ts';
import { loadService } from './services/registry.ts';
import type { VisionService } from './services/service.ts';
import { SYNTHETIC_SERVICE, syntheticEngine } from './synthetic/engine.ts';
import { type Engine, inferenceEngine } from './worker/engine.ts';
import { enginePool } from './worker/engine-pool.ts';
import type { ServiceIdentity } from './worker/service-identity.ts';
import { SwappableEngine } from './worker/swappable-engine.ts';

export interface OpenedEngine {
  readonly service: ServiceIdentity;
  readonly engine: Engine;
  /** Tells `listener` of the models in use, now if they are known and whenever others are. */
  readonly onModels: (listener: (models: readonly Model[]) => void) => void;
}

/** @throws {ModelUnavailable} there is no service of that name, or the operator's manifest is unusable */
export async function openEngine(config: VisionConfig, name: string, logger: Logger): Promise<OpenedEngine> {
  const synthetic = (types: Parameters<typeof syntheticEngine>[0], service: ServiceIdentity): OpenedEngine => ({
    service,
    engine: syntheticEngine(types, config.synthetic),
    onModels: () => {},
  });
  if (name === SYNTHETIC_SERVICE.name) return synthetic('every', SYNTHETIC_SERVICE);
  const service = await loadService(name);
  if (config.synthetic.enabled) return synthetic([service.resultType], service);

  let listener: ((models: readonly Model[]) => void) | undefined;
  /** The models of the manifest in use, once they are known. */
  let models: readonly Model[] = [];
  let inUse = await findManifest(config.models.folder, service);
  const tell = (now: readonly Model[]) => {
    models = now;
    listener?.(now);
  };
  const open = (manifest: ManifestSource, onReady: (models: readonly Model[]) => void) =>
    processesFor(service, name, manifest, config, logger, (now) => {
      onReady(now);
      // A child that is started again tells the same; one of a manifest that is not in use yet is not to be told of.
      if (manifest === inUse) tell(now);
    });
  const engine = new SwappableEngine(open(inUse, () => {}));
  const stopFollowing = config.models.folder === '' ? async () => {} : follow();
  return {
    service,
    engine: {
      ready: () => engine.ready(),
      analyse: (image, grant, options) => engine.analyse(image, grant, options),
      state: () => engine.state(),
      async close() {
        // First, so that a new engine that is being warmed up is not waited for.
        await engine.close();
        await stopFollowing();
      },
    },
    onModels(told) {
      listener = told;
      if (models.length > 0) told(models);
    },
  };

  function follow(): () => Promise<void> {
    const follower = followManifest({
      everyMs: config.models.lookEveryMs,
      find: () => findManifest(config.models.folder, service),
      current: inUse,
      use: async (manifest) => {
        logger.info({ folder: manifest.folder.pathname }, 'another manifest: its models are warmed up');
        let coming: readonly Model[] = [];
        await engine.replaceBy(
          open(manifest, (now) => {
            coming = now;
          }),
        );
        inUse = manifest;
        tell(coming);
        logger.info({ models }, 'images go to the models of the new manifest');
      },
      onError: (err) => logger.error({ err }, 'the new manifest cannot be used; the models stay as they are'),
    });
    process.on('SIGHUP', follower.lookNow);
    return async () => {
      process.off('SIGHUP', follower.lookNow);
      await follower.close();
    };
  }
}

/** As many inference processes as the service's share of the machine gives room for. */
function processesFor(
  // biome-ignore lint/suspicious/noExplicitAny: as in the registry of services.
  service: VisionService<any>,
  name: string,
  manifest: ManifestSource,
  config: VisionConfig,
  logger: Logger,
  onReady: (models: readonly Model[]) => void,
): Engine {
  const cores = availableParallelism();
  const { processes, threads } = shareOfMachine(config, cores);
  const engines = Array.from({ length: processes }, () => {
    const inference = startInferenceProcess({
      service: name,
      manifest,
      threads,
      batching: config.batch,
      analyses: config.analyses,
      // What waits beyond what the processes hold waits in the worker's gate.
      maxWaiting: imagesInFlight(config, cores),
      providers: providersOf(config),
      limits: { maxPixels: config.maxPixels },
      startTimeoutMs: config.startTimeoutMs,
      onEvent: (event) => {
        if (event.kind === 'ready') onReady(event.models);
        report(event, logger);
      },
    });
    return inferenceEngine(inference, service.resultType);
  });
  return enginePool(engines);
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
