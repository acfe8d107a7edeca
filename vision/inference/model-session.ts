/**
 * One model ready to be asked, sample by sample: its pinned file, a session on the first provider that can run it, and the
 * batching in front of that.
 */
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { Model } from '../../protocol/generated/vision/v1m0/vision_pb.js';
import { withDynamicBatch } from '../models/dynamic-batch.ts';
import type { ModelFile } from '../models/manifest.ts';
import { readPinnedFile } from '../models/pinned-file.ts';
import type { OpenOptions } from '../services/service.ts';
import { type BatchOverrides, batchPolicy } from './batch-policy.ts';
import { Batcher, type Outputs, type RunBatch, type Sample } from './batcher.ts';
import { openSession, type Provider } from './session.ts';

/** Runs of all models of this process, and samples in them, since its start. */
export interface BatchCounts {
  readonly runs: number;
  readonly samples: number;
}

export interface ModelSession {
  /** As results name it. */
  readonly model: Model;
  readonly provider: Provider;
  /** How many samples of one image to ask for at a time: those of one run, and those that are prepared meanwhile. */
  readonly askAtOnce: number;
  infer(sample: Sample): Promise<Outputs>;
  counts(): BatchCounts;
  release(): Promise<void>;
}

export interface ModelSessionOptions
  extends Pick<OpenOptions, 'threads' | 'providers' | 'notice' | 'manifest' | 'batching'> {
  /** Shapes that occur, without the batch: each is run once in every batch size before the model counts as ready. */
  readonly shapes: (provider: Provider) => readonly (readonly number[])[];
}

/** @throws ModelUnavailable when the file is not the pinned one or no provider can run it. */
export async function openModel(file: ModelFile, options: ModelSessionOptions): Promise<ModelSession> {
  const { content } = await readPinnedFile(file, options.manifest.folder);
  const { session, provider } = await openSession({
    name: file.name,
    providers: options.providers,
    threads: options.threads,
    notice: options.notice,
    content: (on) => (mostOf(file, on, options.batching) > 1 ? withDynamicBatch(content) : content),
    warmUp: async (opened, on) => {
      const run = runOn(opened);
      for (const dims of options.shapes(on)) {
        const size = dims.reduce((product, side) => product * side, 1);
        for (const count of batchPolicy(file, on, options.batching).sizes)
          await run(new Float32Array(count * size), dims, count);
      }
    },
  });
  const batcher = new Batcher(runOn(session), batchPolicy(file, provider, options.batching));
  return {
    model: { name: file.name, version: file.version, sha256: file.sha256, provider },
    provider,
    askAtOnce: 2 * mostOf(file, provider, options.batching),
    infer: (sample) => batcher.infer(sample),
    counts: () => ({ ...batcher.counts }),
    release: () => session.release(),
  };
}

function mostOf(file: ModelFile, provider: Provider, overrides: BatchOverrides | undefined): number {
  return batchPolicy(file, provider, overrides).sizes.at(-1) ?? 1;
}

function runOn(session: InferenceSession): RunBatch {
  const [input] = session.inputNames as [string];
  return async (data, dims, count) => {
    const outputs = await session.run({ [input]: new Tensor('float32', data, [count, ...dims]) });
    return Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [
        name,
        { data: tensor.data as Float32Array, dims: tensor.dims } satisfies Sample,
      ]),
    );
  };
}
