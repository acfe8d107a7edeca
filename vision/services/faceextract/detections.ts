/** From BlazeFace's raw output to faces: anchors, then blending of overlapping detections. Pure arithmetic. */
import { type Point, type Rect, rectIou } from '../../imaging/geometry.ts';

export interface Detection {
  readonly score: number;
  readonly box: Rect;
  /** Right eye, left eye, nose tip, mouth centre, right ear, left ear: the person's own right and left. */
  readonly points: readonly Point[];
}

/** One grid of anchors: `cells` × `cells` cells of `perCell` anchors each, all in the middle of their cell. */
export interface AnchorGrid {
  readonly cells: number;
  readonly perCell: number;
}

/** Numbers per anchor in the model's output: centre, extent, then six points. */
const VALUES = 16;
const POINTS = 6;

/**
 * Reads the detections of one grid whose score reaches `threshold`.
 * @param scores one logit per anchor. @param boxes 16 values per anchor, in pixels of the model's input.
 * @returns boxes and points in pixels of the model's input.
 */
export function readGrid(
  grid: AnchorGrid,
  inputSize: number,
  scores: Float32Array,
  boxes: Float32Array,
  threshold: number,
): Detection[] {
  const found: Detection[] = [];
  for (let anchor = 0; anchor < grid.cells * grid.cells * grid.perCell; anchor++) {
    const score = 1 / (1 + Math.exp(-scores[anchor]!));
    if (score < threshold) continue;
    const cell = Math.floor(anchor / grid.perCell);
    const x = (((cell % grid.cells) + 0.5) / grid.cells) * inputSize;
    const y = ((Math.floor(cell / grid.cells) + 0.5) / grid.cells) * inputSize;
    const value = (index: number) => boxes[anchor * VALUES + index]!;
    const [width, height] = [value(2), value(3)];
    const box = { x: x + value(0) - width / 2, y: y + value(1) - height / 2, width, height };
    const points = Array.from({ length: POINTS }, (_, i) => ({ x: x + value(4 + 2 * i), y: y + value(5 + 2 * i) }));
    found.push({ score, box, points });
  }
  return found;
}

/**
 * Weighted non-maximum suppression (BlazeFace, Bazarevsky et al., 2019, section 3.3): detections that overlap the
 * strongest one are not thrown away but averaged with it by their scores, which steadies the box.
 * @param overlapThreshold intersection over union from which two detections are the same face.
 * @returns by falling score.
 */
export function blend(detections: readonly Detection[], overlapThreshold: number): Detection[] {
  let rest = [...detections].sort((a, b) => b.score - a.score);
  const faces: Detection[] = [];
  while (rest[0] !== undefined) {
    const strongest = rest[0];
    const same = rest.filter((other) => other === strongest || rectIou(strongest.box, other.box) >= overlapThreshold);
    rest = rest.filter((other) => !same.includes(other));
    faces.push(average(strongest.score, same));
  }
  return faces;
}

/** Leaves out faces that lie mostly inside a surer one: a tile's edge cuts a face, and the part looks like a small one. */
export function withoutParts(faces: readonly Detection[]): Detection[] {
  const kept: Detection[] = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score)) {
    if (!kept.some((surer) => shareInside(face.box, surer.box) > 0.7)) kept.push(face);
  }
  return kept;
}

/** How much of the smaller rectangle both have. */
function shareInside(a: Rect, b: Rect): number {
  const iou = rectIou(a, b);
  const [areaA, areaB] = [a.width * a.height, b.width * b.height];
  return (iou * (areaA + areaB)) / (1 + iou) / Math.min(areaA, areaB);
}

function average(score: number, detections: readonly Detection[]): Detection {
  const total = detections.reduce((sum, detection) => sum + detection.score, 0);
  const mean = (read: (detection: Detection) => number) =>
    detections.reduce((sum, detection) => sum + read(detection) * detection.score, 0) / total;
  return {
    score,
    box: {
      x: mean((d) => d.box.x),
      y: mean((d) => d.box.y),
      width: mean((d) => d.box.width),
      height: mean((d) => d.box.height),
    },
    points: Array.from({ length: POINTS }, (_, i) => ({
      x: mean((d) => d.points[i]!.x),
      y: mean((d) => d.points[i]!.y),
    })),
  };
}
