/** How a model's runs are batched: what its manifest says of the provider, unless the configuration says otherwise. */
import type { ModelFile } from '../models/manifest.ts';
import type { BatchPolicy } from './batcher.ts';
import type { Provider } from './session.ts';

export interface BatchOverrides {
  /** Most samples in a run; 0 keeps to the manifest. */
  readonly maxSize: number;
  /** Milliseconds; below 0 keeps to the manifest. */
  readonly delayMs: number;
}

/** On a CPU a batch costs more than its samples one by one (docs/models.md has the measurements). */
const ONE_BY_ONE: BatchPolicy = { sizes: [1], delayMs: 0 };

export function batchPolicy(
  file: Pick<ModelFile, 'batching'>,
  provider: Provider,
  overrides: BatchOverrides = { maxSize: 0, delayMs: -1 },
): BatchPolicy {
  const { sizes, delayMs } = file.batching?.[provider] ?? ONE_BY_ONE;
  return {
    sizes: overrides.maxSize === 0 ? sizes : sizesUpTo(overrides.maxSize),
    delayMs: overrides.delayMs < 0 ? delayMs : overrides.delayMs,
  };
}

/** Powers of two and the largest itself: few enough to warm up each, and no run is filled up by more than a half. */
function sizesUpTo(most: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size < most; size *= 2) sizes.push(size);
  return [...sizes, most];
}
