/**
 * What a vision service is: a folder with a manifest, a result type and one function, image in, values out.
 *
 * A service knows nothing of logs, tokens or envelopes. It describes the image that it is given and no other;
 * who asked, and where the answer goes, is the worker's business.
 */
import type { MessageType } from '@protobuf-ts/runtime';
import type { Model } from '../../protocol/generated/vision/v1m0/vision_pb.js';
import type { BatchOverrides } from '../inference/batch-policy.ts';
import type { DecodedImage } from '../inference/decode.ts';
import type { BatchCounts } from '../inference/model-session.ts';
import type { Provider } from '../inference/session.ts';
import type { ManifestSource } from '../models/manifest.ts';

/** A result as it leaves a service: a plain message with `model` filled in and `imageId` empty, for the worker to fill. */
export interface VisionResult {
  imageId: string;
  model?: Model;
}

/** The description of a service. Importing it loads no model and no native code; that happens in `open`. */
export interface VisionService<Result extends VisionResult = VisionResult> {
  /** Name as in claims, topics and consumer groups: 'ocr'. */
  readonly name: string;
  /** `<major>.<minor>`, the version that claims grant; results are of the package `<name>.v<major>m<minor>`. */
  readonly version: string;
  readonly resultType: MessageType<Result>;
  /** Folder that holds the manifest.json that comes with the service. */
  readonly folder: URL;
  /**
   * Loads the models and runs each once, so that the first image waits for nothing.
   * @throws ModelUnavailable when a model file is missing or is not the one that the manifest pins.
   */
  open(options: OpenOptions): Promise<Analyser<Result>>;
}

export interface OpenOptions {
  /** Threads that one inference may use. */
  readonly threads: number;
  /** Execution providers in the order to try; the last one must be 'cpu'. */
  readonly providers: readonly Provider[];
  /** The manifest to open: the service's own, or one that an operator has put in its place. */
  readonly manifest: ManifestSource;
  /** What the configuration says about batching; absent: what the manifest says. */
  readonly batching?: BatchOverrides;
  /** Told of what an operator should know, such as that CUDA could not be used and why. */
  readonly notice: (message: string) => void;
}

/** A service with its models loaded. */
export interface Analyser<Result extends VisionResult = VisionResult> {
  /** The models in use, with the provider that runs each. */
  readonly models: readonly Model[];
  /**
   * Describes one image. The same image, configuration and models give the same results.
   * @param config the value of the claim that granted the service; `{}` for the defaults.
   * @throws ConfigInvalid when the service does not understand `config`.
   */
  analyse(image: DecodedImage, config: ServiceConfig): Promise<Result[]>;
  /** Runs of the models since the start, and samples in them; absent where there is nothing to batch. */
  counts?(): BatchCounts;
  /** Frees the models. */
  close(): Promise<void>;
}

/** A service's configuration as its claim carries it: JSON, checked by the service itself. */
export type ServiceConfig = Readonly<Record<string, unknown>>;
