/** Cuts quadrilaterals out of an image and makes them upright rectangles. */
import type { DecodedImage } from '../inference/decode.ts';
import type { Point, Quad } from './geometry.ts';

/** Rows of a 3 × 3 projective map, the last element being 1. */
type Homography = readonly [number, number, number, number, number, number, number, number];

/**
 * The projective map that takes the unit square's corners (0,0) (1,0) (1,1) (0,1) to those of `quad`
 * (Heckbert, Fundamentals of Texture Mapping and Image Warping, 1989, section 2.2.3).
 */
export function squareToQuad(quad: Quad): Homography {
  const [p0, p1, p2, p3] = quad;
  const sx = p0.x - p1.x + p2.x - p3.x;
  const sy = p0.y - p1.y + p2.y - p3.y;
  const [dx1, dy1, dx2, dy2] = [p1.x - p2.x, p1.y - p2.y, p3.x - p2.x, p3.y - p2.y];
  const det = dx1 * dy2 - dx2 * dy1;
  const g = det === 0 ? 0 : (sx * dy2 - dx2 * sy) / det;
  const h = det === 0 ? 0 : (dx1 * sy - sx * dy1) / det;
  return [
    p1.x - p0.x + g * p1.x,
    p3.x - p0.x + h * p3.x,
    p0.x,
    p1.y - p0.y + g * p1.y,
    p3.y - p0.y + h * p3.y,
    p0.y,
    g,
    h,
  ];
}

export function project([a, b, c, d, e, f, g, h]: Homography, u: number, v: number): Point {
  const w = g * u + h * v + 1;
  return { x: (a * u + b * v + c) / w, y: (d * u + e * v + f) / w };
}

/**
 * Samples `quad` into an upright image of `width` × `height` pixels: bilinear, and where the image is denser than
 * the result the mean of several samples a pixel, so that thin strokes do not vanish. Beyond the image's edge its
 * border pixels go on.
 */
export function cutOut(image: DecodedImage, quad: Quad, width: number, height: number): DecodedImage {
  const map = squareToQuad(quad);
  const across = samplesPerPixel(Math.hypot(quad[1].x - quad[0].x, quad[1].y - quad[0].y) / width);
  const down = samplesPerPixel(Math.hypot(quad[3].x - quad[0].x, quad[3].y - quad[0].y) / height);
  const data = new Uint8Array(width * height * 3);
  const sum = new Float64Array(3);
  const share = 1 / (across * down);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      sum.fill(0);
      for (let sy = 0; sy < down; sy++) {
        for (let sx = 0; sx < across; sx++) {
          const point = project(map, (x + (sx + 0.5) / across) / width, (y + (sy + 0.5) / down) / height);
          addSample(image, point.x - 0.5, point.y - 0.5, sum);
        }
      }
      data[at++] = sum[0]! * share + 0.5;
      data[at++] = sum[1]! * share + 0.5;
      data[at++] = sum[2]! * share + 0.5;
    }
  }
  return { width, height, data };
}

function samplesPerPixel(density: number): number {
  return Math.min(8, Math.max(1, Math.ceil(density - 0.25)));
}

/** Adds the bilinear value at (x, y), in coordinates of pixel centres, to `sum`. */
function addSample({ data, width, height }: DecodedImage, x: number, y: number, sum: Float64Array): void {
  const cx = Math.min(Math.max(x, 0), width - 1);
  const cy = Math.min(Math.max(y, 0), height - 1);
  const x0 = Math.floor(cx);
  const y0 = Math.floor(cy);
  const fx = cx - x0;
  const fy = cy - y0;
  const a = (y0 * width + x0) * 3;
  const b = x0 + 1 < width ? a + 3 : a;
  const below = y0 + 1 < height ? width * 3 : 0;
  for (let c = 0; c < 3; c++) {
    const top = data[a + c]! * (1 - fx) + data[b + c]! * fx;
    const bottom = data[a + below + c]! * (1 - fx) + data[b + below + c]! * fx;
    sum[c] = sum[c]! + top * (1 - fy) + bottom * fy;
  }
}
