/** Puts a picture into another one, seen from any angle: the inverse of cutting it out. */
import { type Point, polygonArea, type Quad } from '../imaging/geometry.ts';
import { project, squareToQuad } from '../imaging/warp.ts';
import type { DecodedImage } from '../inference/decode.ts';
import { type LabelledPixels, moveLabels } from './labelled-image.ts';

/** @param quad where the picture's corners come to lie in `background`, clockwise from its top left. */
export function place(picture: LabelledPixels, background: DecodedImage, quad: Quad): LabelledPixels {
  const source = picture.pixels;
  const map = squareToQuad(quad);
  const toSquare = quadToSquare(quad);
  const data = Uint8Array.from(background.data);
  const ys = quad.map((point) => point.y);
  // As many samples a pixel as the picture is denser than its place, each way.
  const samples = Math.max(
    1,
    Math.min(6, Math.ceil(Math.sqrt((source.width * source.height) / Math.max(1, polygonArea(quad))))),
  );
  for (let y = Math.max(0, Math.floor(Math.min(...ys))); y < Math.min(background.height, Math.max(...ys)); y++) {
    for (let x = 0; x < background.width; x++) {
      const sum = [0, 0, 0];
      let inside = 0;
      for (let s = 0; s < samples * samples; s++) {
        const at = { x: x + ((s % samples) + 0.5) / samples, y: y + (Math.floor(s / samples) + 0.5) / samples };
        const { x: u, y: v } = toSquare(at);
        if (u < 0 || v < 0 || u >= 1 || v >= 1) continue;
        inside++;
        addBilinear(source, u * source.width - 0.5, v * source.height - 0.5, sum);
      }
      if (inside === 0) continue;
      const to = (y * background.width + x) * 3;
      const share = inside / (samples * samples);
      for (let c = 0; c < 3; c++) {
        data[to + c] = Math.round((sum[c]! / inside) * share + background.data[to + c]! * (1 - share));
      }
    }
  }
  const move = ({ x, y }: Point) => project(map, x / source.width, y / source.height);
  return { pixels: { ...background, data }, labels: moveLabels(picture.labels, move) };
}

function addBilinear({ data, width, height }: DecodedImage, x: number, y: number, sum: number[]): void {
  const cx = Math.min(Math.max(x, 0), width - 1);
  const cy = Math.min(Math.max(y, 0), height - 1);
  const [x0, y0] = [Math.floor(cx), Math.floor(cy)];
  const [fx, fy] = [cx - x0, cy - y0];
  for (const [px, py, weight] of [
    [x0, y0, (1 - fx) * (1 - fy)],
    [Math.min(x0 + 1, width - 1), y0, fx * (1 - fy)],
    [x0, Math.min(y0 + 1, height - 1), (1 - fx) * fy],
    [Math.min(x0 + 1, width - 1), Math.min(y0 + 1, height - 1), fx * fy],
  ] as const) {
    const at = (py * width + px) * 3;
    for (let c = 0; c < 3; c++) sum[c] = sum[c]! + data[at + c]! * weight;
  }
}

/** Where a point lies in a quadrilateral's own coordinates: (0,0) its first corner, (1,1) its third. */
export function quadToSquare(quad: Quad): (point: Point) => Point {
  // The inverse of the 3 × 3 matrix, by its adjugate; its scale falls out in the division.
  const [a, b, c, d, e, f, g, h] = squareToQuad(quad);
  return ({ x, y }) => {
    const w = (d * h - e * g) * x + (b * g - a * h) * y + (a * e - b * d);
    return {
      x: ((e - f * h) * x + (c * h - b) * y + (b * f - c * e)) / w,
      y: ((f * g - d) * x + (a - c * g) * y + (c * d - a * f)) / w,
    };
  };
}
