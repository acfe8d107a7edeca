/** An image as the merging sees it: its results in the order of their services, each with the rectangle around it. */
import type { Barcode } from '../../../protocol/generated/barcode/v1m0/barcode_pb.js';
import type { ExtractedFace } from '../../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import type { TextLine } from '../../../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { Sighting } from '../../../protocol/generated/summary/v1m0/summary_pb.js';
import type { Box } from '../../../protocol/generated/vision/v1m0/vision_pb.js';
import type { ImageState } from '../transaction-state.ts';
import { boxAround } from './box.ts';

export interface SeenImage {
  readonly imageId: string;
  readonly width: number;
  readonly height: number;
  readonly faces: readonly Seen<ExtractedFace>[];
  readonly lines: readonly Seen<TextLine>[];
  readonly codes: readonly Seen<Barcode>[];
}

export interface Seen<Result> {
  readonly result: Result;
  readonly box: Box | undefined;
}

export function seenImage(image: ImageState): SeenImage {
  return {
    imageId: image.imageId,
    width: image.accepted?.width ?? 0,
    height: image.accepted?.height ?? 0,
    faces: inOrder(image.faces, (face) => face.box),
    lines: inOrder(image.lines, (line) => boxAround(line.quadrilateral)),
    codes: inOrder(image.codes, (code) => boxAround(code.quadrilateral)),
  };
}

export function sighting(image: SeenImage, { result, box }: Seen<{ index: number; confidence: number }>): Sighting {
  const { index, confidence } = result;
  return { imageId: image.imageId, index, confidence, ...(box === undefined ? {} : { box }) };
}

/** Results may have come in any order; two models of one service may even use an index twice. */
function inOrder<Result extends { index: number; confidence: number }>(
  results: readonly Result[],
  boxOf: (result: Result) => Box | undefined,
): Seen<Result>[] {
  return results
    .map((result) => ({ result, box: boxOf(result) }))
    .sort(
      (a, b) =>
        a.result.index - b.result.index || b.result.confidence - a.result.confidence || compareBoxes(a.box, b.box),
    );
}

function compareBoxes(a: Box | undefined, b: Box | undefined): number {
  return (a?.y ?? 0) - (b?.y ?? 0) || (a?.x ?? 0) - (b?.x ?? 0);
}
