/**
 * From the detection model's probability map to rotated rectangles around text lines. Pure arithmetic.
 *
 * The model (DB: Liao et al., Real-time Scene Text Detection with Differentiable Binarization, 2020) predicts shrunken
 * text regions, so what is found is grown again by area × ratio ÷ perimeter (its equation 10).
 */
import { convexHull, minAreaRect, type Point, type RotatedRect } from '../../imaging/geometry.ts';

export interface RegionOptions {
  /** Probability from which a pixel is text. */
  readonly pixelThreshold: number;
  /** Mean probability of a region from which it is text. */
  readonly boxThreshold: number;
  readonly unclipRatio: number;
  /** Rectangles thinner than this many pixels of the map are noise. */
  readonly minSide: number;
  readonly maxLines: number;
}

/** @param map probabilities, row by row, `width` × `height`. @returns rectangles in pixels of the map. */
export function textRegions(map: Float32Array, width: number, height: number, options: RegionOptions): RotatedRect[] {
  const regions: RotatedRect[] = [];
  for (const { outline, mean } of connectedRegions(map, width, height, options.pixelThreshold)) {
    if (regions.length >= options.maxLines) break;
    if (mean < options.boxThreshold) continue;
    const rect = minAreaRect(convexHull(outline));
    if (rect.breadth < options.minSide) continue;
    const grow = (rect.length * rect.breadth * options.unclipRatio) / (2 * (rect.length + rect.breadth));
    regions.push({ ...rect, length: rect.length + 2 * grow, breadth: rect.breadth + 2 * grow });
  }
  return regions;
}

interface ConnectedRegion {
  /** The ends of its rows, as corners of pixels. */
  readonly outline: Point[];
  readonly mean: number;
}

/**
 * The regions of text pixels that touch (8 neighbours).
 *
 * Their mean is taken over their own pixels, not over the rectangle around them as the model's authors do: a line that
 * is not level fills its rectangle badly, and at 30 degrees most lines of a page would be dropped.
 */
function* connectedRegions(
  map: Float32Array,
  width: number,
  height: number,
  threshold: number,
): Generator<ConnectedRegion> {
  const seen = new Uint8Array(width * height);
  const stack: number[] = [];
  for (let start = 0; start < map.length; start++) {
    if (seen[start] === 1 || map[start]! <= threshold) continue;
    const ends = new Map<number, [number, number]>();
    let sum = 0;
    let count = 0;
    seen[start] = 1;
    stack.push(start);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const x = at % width;
      const y = (at - x) / width;
      sum += map[at]!;
      count++;
      const row = ends.get(y);
      if (row === undefined) ends.set(y, [x, x]);
      else if (x < row[0]) row[0] = x;
      else if (x > row[1]) row[1] = x;
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (seen[next] === 1 || map[next]! <= threshold) continue;
          seen[next] = 1;
          stack.push(next);
        }
      }
    }
    const outline: Point[] = [];
    for (const [y, [left, right]] of ends) {
      outline.push({ x: left, y }, { x: left, y: y + 1 }, { x: right + 1, y }, { x: right + 1, y: y + 1 });
    }
    yield { outline, mean: sum / count };
  }
}
