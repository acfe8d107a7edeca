import { expect, test } from 'vitest';
import { derivedMessageId, newMessageId } from '../../protocol/message-id.ts';
import { isResultShape } from '../../protocol/reflection/result-types.ts';
import { loadProtoRoot, messageShapes } from '../../protocol/reflection/shape.ts';
import { EVENT_TYPES } from '../../protocol/registry.ts';
import { type SyntheticOptions, syntheticEngine } from './engine.ts';

const OPTIONS: SyntheticOptions = { results: 6, size: 40, delayMs: 0, seed: 7 };
const images = Array.from({ length: 200 }, (_, n) => derivedMessageId(newMessageId(0, Buffer.alloc(10)), n));
const shapes = messageShapes(loadProtoRoot());

async function describe(imageId: string, options: Partial<SyntheticOptions> = {}) {
  const engine = syntheticEngine('every', { ...OPTIONS, ...options });
  const image = { imageId, bytes: new Uint8Array() };
  return (await engine.analyse(image, {}, { timeoutMs: 1000, signal: new AbortController().signal })).results;
}

test('every result type comes up, and every result is valid in binary and in JSON', async () => {
  const seen = new Set<string>();
  for (const imageId of images) {
    for (const { type, message } of await describe(imageId)) {
      seen.add(type.typeName);
      expect(type.fromBinary(type.toBinary(message))).toEqual(message);
      expect(type.fromJson(type.toJson(message))).toEqual(message);
    }
  }
  const expected = EVENT_TYPES.map(({ typeName }) => typeName).filter((name) => isResultShape(shapes.get(name)!));
  expect([...seen].sort()).toEqual(expected.sort());
  expect(expected.length).toBeGreaterThanOrEqual(3);
});

test('the same seed and image give the same results, another of either gives others', async () => {
  const [image, other] = images as [string, string];
  expect(await describe(image)).toEqual(await describe(image));
  expect(await describe(image)).not.toEqual(await describe(other));
  expect(await describe(image)).not.toEqual(await describe(image, { seed: 8 }));
});

test('results keep to the convention that filters rely on', async () => {
  for (const imageId of images.slice(0, 50)) {
    for (const [index, { message }] of (await describe(imageId)).entries()) {
      expect(message).toMatchObject({ index, imageId: '', label: expect.any(String) });
      const { confidence } = message as unknown as { confidence: number };
      expect(confidence).toBeGreaterThanOrEqual(0);
      expect(confidence).toBeLessThanOrEqual(1);
    }
  }
});

test('the size knob bounds texts', async () => {
  for (const imageId of images.slice(0, 50))
    for (const { message } of await describe(imageId, { size: 3 }))
      expect([...(message as unknown as { label: string }).label].length).toBeLessThanOrEqual(3);
});
