/**
 * The self-check of an execution provider: does it compute what the CPU computes, and how fast at which batch size?
 *
 * Every ONNX model is given made-up samples, alone and in batches, and every service the sample images.
 */
import { readFile } from 'node:fs/promises';
import { Type } from 'typebox';
import type { Outputs, Sample } from '../inference/batcher.ts';
import { decodeImage } from '../inference/decode.ts';
import { type ModelSession, openModel } from '../inference/model-session.ts';
import type { Provider } from '../inference/session.ts';
import { type ManifestSource, type ModelFile, parseManifest } from '../models/manifest.ts';
import type { VisionResult, VisionService } from '../services/service.ts';
import { largestDifference, resultsAgree } from './difference.ts';
import { samplesLike } from './samples.ts';

export interface CheckedService {
  readonly service: VisionService;
  readonly manifest: ManifestSource;
}

export interface CheckOptions {
  readonly provider: Provider;
  readonly services: readonly CheckedService[];
  /** Threads of one inference on the CPU. */
  readonly threads: number;
  /** Largest batch to try: 1, 2, 4 and so on up to it. */
  readonly maxBatch: number;
  /** How long to measure each batch size. */
  readonly seconds: number;
  readonly report: (line: CheckLine) => void;
}

/** One finding. */
export type CheckLine =
  | {
      readonly check: 'model';
      readonly service: string;
      readonly model: string;
      readonly provider: Provider;
      readonly batch: number;
      readonly samplesPerSecond: number;
      /** Share of the largest number by which the worst output number differs from the CPU's for a sample alone. */
      readonly difference: number;
      readonly ok: boolean;
    }
  | {
      readonly check: 'images';
      readonly service: string;
      readonly provider: Provider;
      readonly images: number;
      readonly results: number;
      readonly ok: boolean;
    };

/** GPUs multiply with fewer bits (TF32) and add in another order. */
const TOLERANCE: Readonly<Record<Provider, number>> = { cpu: 1e-3, cuda: 2e-2 };
const SAMPLES = ['astronaut.jpg', 'card.jpg', 'cat.jpg', 'page.png'];

/**
 * @returns whether everything is as on the CPU
 * @throws {ModelUnavailable} the provider cannot be used here, with the reason
 */
export async function checkProvider(options: CheckOptions): Promise<boolean> {
  let ok = true;
  const report = (line: CheckLine) => {
    ok &&= line.ok;
    options.report(line);
  };
  for (const { service, manifest } of options.services) {
    const name = `${service.name}-${service.version}`;
    const { models } = parseManifest(manifest, [], Type.Unknown());
    for (const file of Object.values<ModelFile>(models)) await checkModel(name, file, manifest, options, report);
  }
  for (const checked of options.services) report(await checkImages(checked, options));
  return ok;
}

async function checkModel(
  service: string,
  file: ModelFile,
  manifest: ManifestSource,
  { provider, threads, maxBatch, seconds }: CheckOptions,
  report: (line: CheckLine) => void,
): Promise<void> {
  if (file.sample === undefined) return;
  const { shape } = file.sample;
  const open = (on: Provider, maxSize: number) =>
    openModel(file, {
      threads,
      providers: [on],
      manifest,
      batching: { maxSize, delayMs: 0 },
      shapes: () => [shape],
      notice: () => {},
    });
  const samples = samplesLike(file.sample, maxBatch);
  const reference = await open('cpu', 1);
  const expected = await inTurn(reference, samples);
  await reference.release();
  const model = await open(provider, maxBatch);
  for (let batch = 1; batch <= maxBatch; batch *= 2) {
    const chosen = samples.slice(0, batch);
    const outputs = await together(model, chosen);
    const difference = Math.max(...outputs.map((output, n) => differenceOf(expected[n]!, output)));
    const samplesPerSecond = await speedOf(model, chosen, seconds);
    const ok = difference <= TOLERANCE[provider];
    report({ check: 'model', service, model: file.name, provider, batch, samplesPerSecond, difference, ok });
  }
  await model.release();
}

const together = (model: ModelSession, samples: readonly Sample[]) =>
  Promise.all(samples.map((sample) => model.infer(sample)));

async function inTurn(model: ModelSession, samples: readonly Sample[]): Promise<Outputs[]> {
  const outputs: Outputs[] = [];
  for (const sample of samples) outputs.push(await model.infer(sample));
  return outputs;
}

function differenceOf(expected: Outputs, actual: Outputs): number {
  return Math.max(...Object.entries(expected).map(([name, { data }]) => largestDifference(data, actual[name]!.data)));
}

/** At least one run, however slow. */
async function speedOf(model: ModelSession, samples: readonly Sample[], seconds: number): Promise<number> {
  const started = performance.now();
  let done = 0;
  do {
    await together(model, samples);
    done += samples.length;
  } while (performance.now() - started < seconds * 1000);
  return (done * 1000) / (performance.now() - started);
}

async function checkImages({ service, manifest }: CheckedService, options: CheckOptions): Promise<CheckLine> {
  const { provider, threads } = options;
  const analyse = async (on: Provider): Promise<VisionResult[][]> => {
    const analyser = await service.open({ threads, providers: [on], manifest, notice: () => {} });
    const results: VisionResult[][] = [];
    for (const file of SAMPLES) {
      const bytes = await readFile(new URL(`../samples/${file}`, import.meta.url));
      results.push(await analyser.analyse(await decodeImage(bytes), {}));
    }
    await analyser.close();
    return results;
  };
  const [expected, actual] = [await analyse('cpu'), await analyse(provider)];
  return {
    check: 'images',
    service: `${service.name}-${service.version}`,
    provider,
    images: SAMPLES.length,
    results: expected.flat().length,
    ok: expected.every((results, n) => resultsAgree(results, actual[n]!)),
  };
}
