/** The models with a fixed batch, made to take several samples: each sample's outputs are those of the model as it came. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { seeded } from '../../protocol/seeded-random.ts';
import { largestDifference } from '../check/difference.ts';
import { withDynamicBatch } from './dynamic-batch.ts';
import { parseManifest, readManifestSource } from './manifest.ts';
import { readPinnedFile } from './pinned-file.ts';

/** Sums are made in another order where samples are computed together: up to 0.0001 was seen. */
const TOLERANCE = 1e-3;

async function contentOf(service: string, role: string): Promise<Uint8Array> {
  const folder = new URL(`../services/${service}/`, import.meta.url);
  const { models } = parseManifest(await readManifestSource(folder), [role], Type.Unknown());
  return (await readPinnedFile(models[role]!, folder)).content;
}

test.each([
  ['faceextract', 'detector', [256, 256, 3], 1],
  ['document', 'lines', [512, 512, 4], 255],
])('%s: a batch of three gives what three runs give', async (service, role, shape, range) => {
  const content = await contentOf(service, role);
  const fixed = await InferenceSession.create(content, { logSeverityLevel: 3 });
  const dynamic = await InferenceSession.create(withDynamicBatch(content), { logSeverityLevel: 3 });
  const random = seeded(1);
  const size = shape.reduce((product, side) => product * side, 1);
  const samples = Array.from({ length: 3 }, () => Float32Array.from({ length: size }, () => random() * range));
  const [input] = fixed.inputNames as [string];
  const together = new Float32Array(3 * size);
  for (const [n, sample] of samples.entries()) together.set(sample, n * size);
  const outputs = await dynamic.run({ [input]: new Tensor('float32', together, [3, ...shape]) });
  for (const [n, sample] of samples.entries()) {
    const alone = await fixed.run({ [input]: new Tensor('float32', sample, [1, ...shape]) });
    for (const name of fixed.outputNames) {
      const expected = alone[name]!.data as Float32Array;
      expect(outputs[name]!.dims).toEqual([3, ...alone[name]!.dims.slice(1)]);
      const actual = (outputs[name]!.data as Float32Array).subarray(n * expected.length, (n + 1) * expected.length);
      expect(largestDifference(expected, actual), name).toBeLessThan(TOLERANCE);
    }
  }
  await Promise.all([fixed.release(), dynamic.release()]);
});

test('a model whose batch is free already stays as it is', async () => {
  const content = await contentOf('ocr', 'angle');
  expect(withDynamicBatch(content)).toBe(content);
});

test('what is no model is refused', () => {
  expect(() => withDynamicBatch(new Uint8Array())).toThrow('one tensor as its input');
});
