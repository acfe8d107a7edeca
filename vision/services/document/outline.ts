/**
 * From line segments to the outline of a document. Pure arithmetic.
 *
 * Segments on one straight line are one edge. Any two edges that run roughly alike, with two others across them,
 * enclose a quadrilateral; the best is the one whose sides are most seen, and among equals the largest.
 */
import { distance, type Point, polygonArea, type Quad } from '../../imaging/geometry.ts';
import type { Segment } from './lines.ts';

export interface OutlineOptions {
  /** Edges that are combined, the strongest; bounds the work. */
  readonly maxLines: number;
  /** Radians up to which two segments are on one line, … */
  readonly sameAngle: number;
  /** … and how far apart they may lie, in parts of the image's diagonal. */
  readonly sameDistance: number;
  /** Smallest document, in parts of the image's area. */
  readonly minAreaShare: number;
  /** How far corners may lie outside the image, in parts of its sides. */
  readonly maxOutside: number;
}

export interface Outline {
  readonly quad: Quad;
  /** Share of the sides on which a line was seen, the worst and the mean side taken together: 0 to 1. */
  readonly seen: number;
}

interface Edge {
  /** A point on it and its direction, of length 1. */
  readonly at: Point;
  readonly direction: Point;
  readonly segments: readonly Segment[];
  readonly strength: number;
}

/** Two directions belong to opposite sides below, to neighbouring sides above these (radians). */
const OPPOSITE = 0.6;
const NEIGHBOURING = 0.7;

export function findOutline(
  segments: readonly Segment[],
  width: number,
  height: number,
  options: OutlineOptions,
): Outline | undefined {
  const edges = joinSegments(segments, Math.hypot(width, height), options).slice(0, options.maxLines);
  const pairs: [Edge, Edge][] = [];
  for (const [index, edge] of edges.entries()) {
    for (const other of edges.slice(index + 1)) {
      if (between(edge.direction, other.direction) < OPPOSITE) pairs.push([edge, other]);
    }
  }
  let best: (Outline & { readonly worth: number }) | undefined;
  for (const [index, [a, c]] of pairs.entries()) {
    for (const [b, d] of pairs.slice(index + 1)) {
      if (between(a.direction, b.direction) < NEIGHBOURING || between(c.direction, d.direction) < NEIGHBOURING)
        continue;
      const outline = enclose([a, b, c, d], width, height, options);
      if (outline === undefined) continue;
      const worth = outline.seen * Math.sqrt(polygonArea(outline.quad) / (width * height));
      if (best === undefined || worth > best.worth) best = { ...outline, worth };
    }
  }
  return best;
}

/** @returns edges, the strongest first: by the length that was seen. */
function joinSegments(segments: readonly Segment[], diagonal: number, options: OutlineOptions): Edge[] {
  const rest = [...segments].sort((a, b) => strengthOf(b) - strengthOf(a));
  const edges: Edge[] = [];
  while (rest[0] !== undefined) {
    const first = rest[0];
    const direction = directionOf(first);
    const alike = rest.filter((other) => {
      const middle = { x: (other.from.x + other.to.x) / 2, y: (other.from.y + other.to.y) / 2 };
      return (
        other === first ||
        (between(direction, directionOf(other)) < options.sameAngle &&
          Math.abs(offLine(first.from, direction, middle)) < options.sameDistance * diagonal)
      );
    });
    for (const member of alike) rest.splice(rest.indexOf(member), 1);
    edges.push(lineThrough(alike));
  }
  return edges.sort((a, b) => b.strength - a.strength);
}

/** The line through segments: their ends' principal axis, each segment counting by its strength. */
function lineThrough(segments: readonly Segment[]): Edge {
  const ends = segments.flatMap((segment) =>
    [segment.from, segment.to].map((point) => ({ ...point, weight: strengthOf(segment) })),
  );
  const total = ends.reduce((sum, end) => sum + end.weight, 0);
  const mean = (read: (end: (typeof ends)[number]) => number) =>
    ends.reduce((sum, end) => sum + read(end) * end.weight, 0) / total;
  const at = { x: mean((end) => end.x), y: mean((end) => end.y) };
  const xx = mean((end) => (end.x - at.x) ** 2);
  const yy = mean((end) => (end.y - at.y) ** 2);
  const xy = mean((end) => (end.x - at.x) * (end.y - at.y));
  const angle = Math.atan2(2 * xy, xx - yy) / 2;
  const strength = segments.reduce((sum, segment) => sum + strengthOf(segment), 0);
  return { at, direction: { x: Math.cos(angle), y: Math.sin(angle) }, segments, strength };
}

function enclose(
  [a, b, c, d]: readonly [Edge, Edge, Edge, Edge],
  width: number,
  height: number,
  options: OutlineOptions,
): Outline | undefined {
  const corners = [intersect(d, a), intersect(a, b), intersect(b, c), intersect(c, d)];
  if (corners.some((corner) => corner === undefined || !near(corner, width, height, options.maxOutside))) {
    return undefined;
  }
  const [p, q, r, s] = corners as [Point, Point, Point, Point];
  const turns = [turn(p, q, r), turn(q, r, s), turn(r, s, p), turn(s, p, q)];
  if (!turns.every((value) => value > 0) && !turns.every((value) => value < 0)) return undefined;
  if (polygonArea([p, q, r, s]) < options.minAreaShare * width * height) return undefined;
  const sides = [seenShare(a, p, q), seenShare(b, q, r), seenShare(c, r, s), seenShare(d, s, p)];
  const seen = (Math.min(...sides) + sides.reduce((sum, side) => sum + side, 0) / 4) / 2;
  return { quad: fromTopLeft(turns[0]! > 0 ? [p, q, r, s] : [s, r, q, p]), seen };
}

/** Share of the side from `p` to `q` that the edge's segments cover. */
function seenShare(edge: Edge, p: Point, q: Point): number {
  const length = distance(p, q);
  if (length === 0) return 0;
  const along = (point: Point) => ((point.x - p.x) * (q.x - p.x) + (point.y - p.y) * (q.y - p.y)) / length ** 2;
  const spans = edge.segments
    .map(({ from, to }) => [Math.min(along(from), along(to)), Math.max(along(from), along(to))] as const)
    .sort((a, b) => a[0] - b[0]);
  let covered = 0;
  let reached = 0;
  for (const [from, to] of spans) {
    const [start, end] = [Math.max(reached, from), Math.min(1, to)];
    if (end > start) {
      covered += end - start;
      reached = end;
    }
  }
  return covered;
}

/** The same corners, clockwise, beginning where the next side runs most nearly to the right. */
function fromTopLeft(quad: Quad): Quad {
  const rightward = quad.map((corner, index) => {
    const next = quad[(index + 1) % 4]!;
    return (next.x - corner.x) / Math.max(1e-9, distance(corner, next));
  });
  const first = rightward.indexOf(Math.max(...rightward));
  const at = (step: number) => quad[(first + step) % 4]!;
  return [at(0), at(1), at(2), at(3)];
}

function intersect(a: Edge, b: Edge): Point | undefined {
  const det = a.direction.x * b.direction.y - a.direction.y * b.direction.x;
  if (Math.abs(det) < 1e-9) return undefined;
  const t = ((b.at.x - a.at.x) * b.direction.y - (b.at.y - a.at.y) * b.direction.x) / det;
  return { x: a.at.x + t * a.direction.x, y: a.at.y + t * a.direction.y };
}

function near({ x, y }: Point, width: number, height: number, outside: number): boolean {
  const [mx, my] = [outside * width, outside * height];
  return x >= -mx && x <= width + mx && y >= -my && y <= height + my;
}

/** Positive where a → b → c turns clockwise on screen. */
function turn(a: Point, b: Point, c: Point): number {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

function offLine(at: Point, direction: Point, point: Point): number {
  return (point.y - at.y) * direction.x - (point.x - at.x) * direction.y;
}

/** Angle between two directions whose sense does not matter: 0 to π/2. */
function between(a: Point, b: Point): number {
  return Math.acos(Math.min(1, Math.abs(a.x * b.x + a.y * b.y)));
}

function directionOf({ from, to }: Segment): Point {
  const length = Math.max(1e-9, distance(from, to));
  return { x: (to.x - from.x) / length, y: (to.y - from.y) / length };
}

function strengthOf(segment: Segment): number {
  return distance(segment.from, segment.to) * segment.score;
}
