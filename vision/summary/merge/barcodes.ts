/** Each distinct code once, with where it was seen. */
import type { DistinctBarcode } from '../../../protocol/generated/summary/v1m0/summary_pb.js';
import { type SeenImage, sighting } from './seen-image.ts';

export function distinctBarcodes(images: readonly SeenImage[]): DistinctBarcode[] {
  const distinct = new Map<string, DistinctBarcode>();
  for (const image of images) {
    for (const code of image.codes) {
      const { label, text, raw } = code.result;
      const key = JSON.stringify([label, text, Buffer.from(raw).toString('base64')]);
      const entry = distinct.get(key) ?? { label, text, raw, sightings: [] };
      entry.sightings.push(sighting(image, code));
      distinct.set(key, entry);
    }
  }
  return [...distinct.values()];
}
