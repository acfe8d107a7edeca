/** Straight lines in an image, with M-LSD (Gu et al., Towards Light-weight and Real-time Line Segment Detection, 2022). */
import type { Point } from '../../imaging/geometry.ts';
import { resize } from '../../imaging/resize.ts';
import type { DecodedImage } from '../../inference/decode.ts';
import type { ModelSession } from '../../inference/model-session.ts';

export interface Segment {
  readonly from: Point;
  readonly to: Point;
  /** 0 to 1. */
  readonly score: number;
}

/** Cells around a peak that it must not be below. */
const PEAK_RADIUS = 2;

/** @param size side of the model's square input. @returns segments in pixels of the image. */
export async function findSegments(
  detector: ModelSession,
  image: DecodedImage,
  size: number,
  threshold: number,
): Promise<Segment[]> {
  const { data } = await resize(image, size, size);
  const input = new Float32Array(size * size * 4);
  for (let i = 0; i < size * size; i++) {
    input[i * 4] = data[i * 3]!;
    input[i * 4 + 1] = data[i * 3 + 1]!;
    input[i * 4 + 2] = data[i * 3 + 2]!;
    input[i * 4 + 3] = 1;
  }
  const { scores, offsets } = await detector.infer({ data: input, dims: [size, size, 4] });
  return readSegments(scores!.data, offsets!.data, size / 2, threshold, image.width / size, image.height / size);
}

/**
 * Reads the model's output: each cell that is a peak is the middle of a segment, and says where its ends are.
 * @param cells of a side. @param offsets four a cell, in cells: to the start's x and y, to the end's x and y.
 */
export function readSegments(
  scores: Float32Array,
  offsets: Float32Array,
  cells: number,
  threshold: number,
  scaleX: number,
  scaleY: number,
): Segment[] {
  const segments: Segment[] = [];
  for (let y = 0; y < cells; y++) {
    for (let x = 0; x < cells; x++) {
      const at = y * cells + x;
      if (scores[at]! < threshold || !isPeak(scores, cells, x, y)) continue;
      const end = (first: number): Point => ({
        x: (x + offsets[at * 4 + first]!) * 2 * scaleX,
        y: (y + offsets[at * 4 + first + 1]!) * 2 * scaleY,
      });
      segments.push({ from: end(0), to: end(2), score: scores[at]! });
    }
  }
  return segments;
}

function isPeak(scores: Float32Array, cells: number, x: number, y: number): boolean {
  const score = scores[y * cells + x]!;
  for (let ny = Math.max(0, y - PEAK_RADIUS); ny <= Math.min(cells - 1, y + PEAK_RADIUS); ny++) {
    for (let nx = Math.max(0, x - PEAK_RADIUS); nx <= Math.min(cells - 1, x + PEAK_RADIUS); nx++) {
      if (scores[ny * cells + nx]! > score) return false;
    }
  }
  return true;
}
