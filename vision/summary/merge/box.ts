/** Upright rectangles: around quadrilaterals, and how much two overlap. */
import type { Box, Quadrilateral } from '../../../protocol/generated/vision/v1m0/vision_pb.js';
import { rounded } from '../../inference/precision.ts';

/** The smallest upright rectangle around the corners that are given. undefined where none is. */
export function boxAround(quadrilateral: Quadrilateral | undefined): Box | undefined {
  if (quadrilateral === undefined) return undefined;
  const { topLeft, topRight, bottomRight, bottomLeft } = quadrilateral;
  const corners = [topLeft, topRight, bottomRight, bottomLeft].filter((corner) => corner !== undefined);
  if (corners.length === 0) return undefined;
  const xs = corners.map(({ x }) => x);
  const ys = corners.map(({ y }) => y);
  const x = Math.min(...xs);
  const y = Math.min(...ys);
  return { x, y, width: rounded(Math.max(...xs) - x), height: rounded(Math.max(...ys) - y) };
}

/** Intersection over union, 0 to 1; 0 where either has no area or is not known. */
export function overlap(a: Box | undefined, b: Box | undefined): number {
  if (a === undefined || b === undefined) return 0;
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (!(width > 0 && height > 0)) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}
