/**
 * What the worker needs of whatever describes images: the inference process of a service, or the synthetic one.
 *
 * Adapts the former to it: an inference process answers in messages of one type, which it does not name itself.
 */
import type { Model } from '../../protocol/generated/vision/v1m0/vision_pb.js';
import type { AnyMessageType } from '../../protocol/registry.ts';
import type { InferenceProcess } from '../inference/inference-process.ts';
import type { BatchCounts } from '../inference/model-session.ts';
import type { ServiceConfig, VisionResult } from '../services/service.ts';

/** One result with its type; `imageId` is for the worker to fill. */
export interface TypedResult {
  readonly type: AnyMessageType;
  readonly message: VisionResult;
}

export interface ImageAnalysis {
  readonly results: readonly TypedResult[];
  readonly models: readonly Model[];
  readonly durationMs: number;
  /** Runs of models since the answer before, and samples in them; absent where no model is run. */
  readonly batches?: BatchCounts;
}

export interface EngineState {
  readonly ready: boolean;
  /** For people. */
  readonly detail: string;
}

export interface Engine {
  /** Settles when images can be analysed, rejects when they never will (a model is missing). */
  ready(): Promise<unknown>;
  /**
   * @param image the encoded image
   * @throws {InferenceError} whose `permanent` says that the same image would fail again
   */
  analyse(
    image: { readonly imageId: string; readonly bytes: Uint8Array },
    config: ServiceConfig,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<ImageAnalysis>;
  state(): EngineState;
  close(): Promise<void>;
}

export function inferenceEngine(process: InferenceProcess, resultType: AnyMessageType): Engine {
  return {
    ready: () => process.ready(),
    async analyse({ bytes }, config, options) {
      const { results, models, durationMs, batches } = await process.analyse(bytes, config, options);
      return { results: results.map((message) => ({ type: resultType, message })), models, durationMs, batches };
    },
    state() {
      const { state, detail } = process.status();
      return { ready: state === 'ready', detail };
    },
    close: () => process.close(),
  };
}
