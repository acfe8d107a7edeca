/** An image with what it shows, as quadrilaterals, so that the labels survive rotation and perspective. */
import type { Point, Quad, Rect } from '../imaging/geometry.ts';
import type { DecodedImage } from '../inference/decode.ts';

export interface Labels {
  readonly faces: readonly Quad[];
  readonly text: readonly { readonly text: string; readonly quad: Quad }[];
  readonly barcodes: readonly { readonly label: string; readonly text: string }[];
}

export interface LabelledPixels {
  readonly pixels: DecodedImage;
  readonly labels: Labels;
}

export const NO_LABELS: Labels = { faces: [], text: [], barcodes: [] };

export function quadOf({ x, y, width, height }: Rect): Quad {
  return [
    { x, y },
    { x: x + width, y },
    { x: x + width, y: y + height },
    { x, y: y + height },
  ];
}

/** The upright rectangle around a quadrilateral. */
export function boundsOf(quad: Quad): Rect {
  const xs = quad.map((point) => point.x);
  const ys = quad.map((point) => point.y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** The labels after every point of the image has moved by `move`. */
export function moveLabels(labels: Labels, move: (point: Point) => Point): Labels {
  const moved = ([a, b, c, d]: Quad): Quad => [move(a), move(b), move(c), move(d)];
  return {
    faces: labels.faces.map(moved),
    text: labels.text.map(({ text, quad }) => ({ text, quad: moved(quad) })),
    barcodes: labels.barcodes,
  };
}
