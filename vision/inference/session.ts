/**
 * Creates ONNX Runtime sessions: the one place that knows execution providers.
 *
 * A provider counts as usable only when an inference has run on it. Asking the runtime what it supports is not
 * enough: it names CUDA wherever it was compiled in, whether or not the CUDA libraries can be loaded.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { ModelUnavailable } from './errors.ts';

/**
 * The library that runs models on CUDA, where ONNX Runtime looks for it. Looking first keeps the runtime from printing an error of
 * its own, past every logger, on each machine that has no GPU.
 */
export const CUDA_PROVIDER = join(
  dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
  `bin/napi-v6/${process.platform}/${process.arch}/libonnxruntime_providers_cuda.so`,
);

export type Provider = 'cpu' | 'cuda';

export interface SessionOptions {
  /** For messages. */
  readonly name: string;
  /** The .onnx file for a provider, already checked against its pin. */
  readonly content: (provider: Provider) => Uint8Array;
  /** In the order to try; the last must be 'cpu'. */
  readonly providers: readonly Provider[];
  /** Threads of one inference on the CPU. */
  readonly threads: number;
  /** Runs the model once as it will be used, every shape that occurs; a provider that fails here is not used. */
  readonly warmUp: (session: InferenceSession, provider: Provider) => Promise<void>;
  readonly notice: (message: string) => void;
}

export interface OpenedSession {
  readonly session: InferenceSession;
  readonly provider: Provider;
}

/**
 * Opens a model on the first provider of the list that can run it.
 * @throws ModelUnavailable when none can.
 */
export async function openSession(options: SessionOptions): Promise<OpenedSession> {
  const reasons: string[] = [];
  for (const provider of options.providers) {
    if (provider === 'cuda' && !existsSync(CUDA_PROVIDER)) {
      reasons.push('the CUDA provider library is not installed (docs/gpu.md)');
      continue;
    }
    try {
      const session = await InferenceSession.create(
        options.content(provider),
        runtimeOptions(provider, options.threads),
      );
      await options.warmUp(session, provider);
      if (reasons.length > 0) options.notice(`${options.name} runs on ${provider}: ${reasons.join('; ')}`);
      return { session, provider };
    } catch (error) {
      reasons.push(`${provider} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new ModelUnavailable(`no provider can run ${options.name}: ${reasons.join('; ')}`);
}

function runtimeOptions(provider: Provider, threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Threads that spin while they wait take the core from the decoder and from the other services.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    // Warnings are about initialisers that the converter of the models left over; errors are thrown anyway.
    logSeverityLevel: 3,
  };
}
