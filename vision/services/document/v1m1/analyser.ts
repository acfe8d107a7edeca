/** Adds to what document 1.0 says of a document its proportions and the format that they fit. */
import type { ExtractedDocument } from '../../../../protocol/generated/document/v1m1/document_pb.js';
import { distance, type Quad } from '../../../imaging/geometry.ts';
import type { Analyser, OpenOptions } from '../../service.ts';
import { openDocument } from '../analyser.ts';
import { formatOf } from './format.ts';

export async function openDocument1m1(options: OpenOptions): Promise<Analyser<ExtractedDocument>> {
  const document = await openDocument(options);
  return {
    ...document,
    analyse: async (image, config) =>
      (await document.analyse(image, config)).map((found) => {
        const { topLeft, topRight, bottomRight, bottomLeft } = found.quadrilateral!;
        const aspectRatio = aspectRatioOf([topLeft!, topRight!, bottomRight!, bottomLeft!]);
        return { ...found, aspectRatio, format: formatOf(aspectRatio) };
      }),
  };
}

function aspectRatioOf([a, b, c, d]: Quad): number {
  const across = distance(a, b) + distance(d, c);
  const down = distance(b, c) + distance(a, d);
  return Math.max(across, down) / Math.max(1, Math.min(across, down));
}
