/**
 * The synthetic vision service: describes any image by random valid results, whatever their type, without a model.
 *
 * What it says follows from its seed and the image's id alone, so work done twice says the same. It serves load tests and
 * development; it takes the place of a real service's inference process behind the same worker loop.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Model } from '../../protocol/generated/vision/v1m0/vision_pb.js';
import { isResultShape } from '../../protocol/reflection/result-types.ts';
import { loadProtoRoot, type MessageShape, messageShapes } from '../../protocol/reflection/shape.ts';
import { type AnyMessageType, EVENT_TYPES } from '../../protocol/registry.ts';
import type { VisionResult } from '../services/service.ts';
import type { Engine, TypedResult } from '../worker/engine.ts';
import type { ServiceIdentity } from '../worker/service-identity.ts';
import { Random } from './random.ts';
import { randomMessage } from './random-message.ts';

/** The service that says anything that any service may say. */
export const SYNTHETIC_SERVICE: ServiceIdentity = { name: 'synthetic', version: '1.0' };

const MODEL: Model = { name: 'synthetic', version: '1', sha256: '', provider: 'none' };

export interface SyntheticOptions {
  /** Most results per image. */
  readonly results: number;
  /** Most characters of a text, bytes of a blob. */
  readonly size: number;
  /** How long an image takes. */
  readonly delayMs: number;
  readonly seed: number;
}

/** @param types what to emit; 'every' means every result type there is */
export function syntheticEngine(types: readonly AnyMessageType[] | 'every', options: SyntheticOptions): Engine {
  const shapes = messageShapes(loadProtoRoot());
  const shaped = (types === 'every' ? resultTypes(shapes) : types).map((type) => ({
    type,
    shape: shapes.get(type.typeName)!,
  }));
  return {
    ready: async () => {},
    async analyse({ imageId }, _config, { signal }) {
      const started = performance.now();
      if (options.delayMs > 0) await sleep(options.delayMs, undefined, { signal });
      const random = Random.for(options.seed, imageId);
      const count = shaped.length === 0 ? 0 : random.integer(0, options.results);
      const results = Array.from({ length: count }, (_, index) => {
        const { type, shape } = random.pick(shaped);
        return randomResult(type, shape, index, random, options.size);
      });
      return { results, models: [MODEL], durationMs: performance.now() - started };
    },
    state: () => ({ ready: true, detail: 'synthetic: random results, no model' }),
    close: async () => {},
  };
}

function resultTypes(shapes: ReadonlyMap<string, MessageShape>): AnyMessageType[] {
  return EVENT_TYPES.filter((type) => isResultShape(shapes.get(type.typeName)!));
}

function randomResult(
  type: AnyMessageType,
  shape: MessageShape,
  index: number,
  random: Random,
  size: number,
): TypedResult {
  const message: VisionResult = {
    ...randomMessage(shape, random, size),
    ...{ index },
    imageId: '',
    model: MODEL,
  };
  return { type, message };
}
