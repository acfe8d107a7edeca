/** Made-up samples for a model: noise of the range that it knows, the same on every machine. */
import { seeded } from '../../protocol/seeded-random.ts';
import type { Sample } from '../inference/batcher.ts';

export function samplesLike(
  { shape, least, largest }: { readonly shape: readonly number[]; readonly least: number; readonly largest: number },
  count: number,
): Sample[] {
  const random = seeded(7);
  const size = shape.reduce((product, side) => product * side, 1);
  return Array.from({ length: count }, () => ({
    data: Float32Array.from({ length: size }, () => least + random() * (largest - least)),
    dims: shape,
  }));
}
