/** What the parent and the inference child say to each other. Structured clone carries bytes and numbers as they are. */
import { availableParallelism } from 'node:os';
import type { Model } from '../../protocol/generated/vision/v1m0/vision_pb.js';
import type { ServiceConfig, VisionResult } from '../services/service.ts';
import type { BatchOverrides } from './batch-policy.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './decode.ts';
import type { WireError } from './errors.ts';
import type { InferenceProcessOptions } from './inference-process.ts';
import type { BatchCounts } from './model-session.ts';
import type { Provider } from './session.ts';

export type ToChild =
  | {
      readonly kind: 'open';
      readonly service: string;
      readonly threads: number;
      readonly providers: readonly Provider[];
      readonly limits: DecodeLimits;
      /** With its folder as a URL's text; absent: the one that comes with the service. */
      readonly manifest: { readonly folder: string; readonly text: string } | undefined;
      readonly batching: BatchOverrides | undefined;
      /** Images to analyse side by side; 0: as many as the provider gains from. */
      readonly analyses: number;
    }
  | { readonly kind: 'analyse'; readonly id: number; readonly bytes: Uint8Array; readonly config: ServiceConfig };

export type FromChild =
  | { readonly kind: 'ready'; readonly models: readonly Model[]; readonly analyses: number }
  | { readonly kind: 'unopened'; readonly error: WireError }
  | { readonly kind: 'notice'; readonly message: string }
  | { readonly kind: 'analysed'; readonly id: number; readonly analysis: AnalysisMessage }
  | { readonly kind: 'failed'; readonly id: number; readonly error: WireError };

export interface AnalysisMessage {
  readonly results: VisionResult[];
  readonly durationMs: number;
  readonly width: number;
  readonly height: number;
  /** Since the answer before. */
  readonly batches: BatchCounts;
}

/** What the child is told first. */
export function openMessage(options: InferenceProcessOptions): ToChild {
  const { service, threads = availableParallelism(), providers = ['cpu'], manifest, batching, analyses = 0 } = options;
  const limits = { ...DEFAULT_DECODE_LIMITS, ...options.limits };
  const onTheWire = manifest === undefined ? undefined : { folder: manifest.folder.href, text: manifest.text };
  return { kind: 'open', service, threads, providers, limits, manifest: onTheWire, batching, analyses };
}
