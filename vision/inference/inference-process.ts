/**
 * Runs one vision service in a child process of its own.
 *
 * `session.run` blocks the thread that calls it, and a native crash takes its whole process down. So neither
 * happens here: the caller's event loop only sends encoded images to the child and receives results.
 */
import type { Model } from '../../protocol/generated/vision/v1m0/vision_pb.js';
import type { ManifestSource } from '../models/manifest.ts';
import type { ServiceConfig, VisionResult } from '../services/service.ts';
import type { BatchOverrides } from './batch-policy.ts';
import type { DecodeLimits } from './decode.ts';
import type { BatchCounts } from './model-session.ts';
import type { Provider } from './session.ts';
import { SupervisedChild } from './supervised-child.ts';

export interface InferenceProcessOptions {
  /** Name of the service in vision/services/registry.ts, `<name>` or `<name>-<version>`. */
  readonly service: string;
  /** Default: the manifest that comes with the service. */
  readonly manifest?: ManifestSource;
  /** What to change about the batching that the manifest says. */
  readonly batching?: BatchOverrides;
  /** Images that the child analyses side by side. Default: 1 on a CPU, 8 on a GPU, where their samples run together. */
  readonly analyses?: number;
  /** Further flags of Node for the child, such as --max-old-space-size=512. */
  readonly nodeFlags?: readonly string[];
  /** Threads of one inference. Default: all cores. */
  readonly threads?: number;
  /** Images in the child at once: those that are analysed and those that are decoded meanwhile. Default: `analyses` + 1. */
  readonly concurrency?: number;
  /** Images that may wait here for a place in the child. Default 64; past it `analyse` throws InferenceOverloaded. */
  readonly maxWaiting?: number;
  /** Execution providers in the order to try. Default ['cpu']. */
  readonly providers?: readonly Provider[];
  readonly limits?: Partial<DecodeLimits>;
  /** How long loading and warming up may take before the child is given up. Default 120 000. */
  readonly startTimeoutMs?: number;
  /** Delay before a child that died is replaced: doubles from `firstDelayMs` to `maxDelayMs`. Default 100 and 10 000. */
  readonly restart?: { readonly firstDelayMs: number; readonly maxDelayMs: number };
  readonly onEvent?: (event: InferenceEvent) => void;
}

/** For logs and metrics. */
export type InferenceEvent =
  | { readonly kind: 'ready'; readonly pid: number; readonly models: readonly Model[]; readonly startMs: number }
  | { readonly kind: 'notice'; readonly message: string }
  | { readonly kind: 'died'; readonly cause: string; readonly inFlight: number; readonly restartInMs: number };

export interface AnalyseOptions {
  /** How long this image may hold the child, decoding included, time behind other images not counted. Default 60 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface Analysis {
  /** In the service's own order, `imageId` empty. */
  readonly results: VisionResult[];
  readonly models: readonly Model[];
  /** From the start of decoding to the last result, as the child measured it. */
  readonly durationMs: number;
  /** Size of the image as analysed: after EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** Runs of models since the answer before, and samples in them: over 1 sample a run where batching gains something. */
  readonly batches: BatchCounts;
}

export interface InferenceProcess {
  /** Settles when the child has warmed up, or rejects when it cannot (a model is missing or another than pinned). */
  ready(): Promise<readonly Model[]>;
  /**
   * Analyses one encoded image.
   *
   * Rejects with an InferenceError: `permanent` says whether the same image would fail again. When the child dies
   * with several images in it, they are tried again one by one, so an image that is rejected with InferenceCrashed
   * was alone in the child when it died.
   */
  analyse(bytes: Uint8Array, config: ServiceConfig, options?: AnalyseOptions): Promise<Analysis>;
  status(): InferenceStatus;
  /** Ends the child. What has not been answered is rejected with InferenceClosed. */
  close(): Promise<void>;
}

export interface InferenceStatus {
  readonly state: 'starting' | 'ready' | 'restarting' | 'failed' | 'closed';
  /** For people: which models run on what, or why it is not ready. */
  readonly detail: string;
  readonly models: readonly Model[];
  readonly pid: number | undefined;
  readonly restarts: number;
  readonly inFlight: number;
  readonly waiting: number;
}

/** Starts the child; see `InferenceProcess.ready` for when it can work. `analyse` may be called at once and waits. */
export function startInferenceProcess(options: InferenceProcessOptions): InferenceProcess {
  return new SupervisedChild(options);
}
