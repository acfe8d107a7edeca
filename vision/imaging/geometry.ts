/** Points, quadrilaterals and overlap. Coordinates are pixels, x to the right and y down. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Corners clockwise from the top left of what is depicted. */
export type Quad = readonly [Point, Point, Point, Point];

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** Intersection over union of two upright rectangles: 0 apart, 1 the same. */
export function rectIou(a: Rect, b: Rect): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}

/** Convex hull, clockwise on screen, without collinear points. Andrew's monotone chain. */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  if (sorted.length < 3) return sorted;
  const half = (ordered: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const point of ordered) {
      while (chain.length >= 2 && turn(chain[chain.length - 2]!, chain[chain.length - 1]!, point) <= 0) chain.pop();
      chain.push(point);
    }
    chain.pop();
    return chain;
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

/** Positive where a → b → c turns clockwise on screen. */
function turn(a: Point, b: Point, c: Point): number {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

export interface RotatedRect {
  readonly centre: Point;
  /** Extent along `angle`, the longer one. */
  readonly length: number;
  /** Extent across it. */
  readonly breadth: number;
  /** Direction of `length` in radians, clockwise on screen, in (−π/2, π/2]. */
  readonly angle: number;
}

/**
 * The rectangle of least area around a convex polygon: one of its sides lies on a side of the polygon
 * (Freeman and Shapira, 1975), so each side is tried.
 */
export function minAreaRect(hull: readonly Point[]): RotatedRect {
  let best: (RotatedRect & { readonly area: number }) | undefined;
  for (let i = 0; i < hull.length; i++) {
    const from = hull[i]!;
    const to = hull[(i + 1) % hull.length]!;
    const side = distance(from, to);
    const ux = side === 0 ? 1 : (to.x - from.x) / side;
    const uy = side === 0 ? 0 : (to.y - from.y) / side;
    let [alongMin, alongMax, acrossMin, acrossMax] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const { x, y } of hull) {
      const along = x * ux + y * uy;
      const across = y * ux - x * uy;
      alongMin = Math.min(alongMin, along);
      alongMax = Math.max(alongMax, along);
      acrossMin = Math.min(acrossMin, across);
      acrossMax = Math.max(acrossMax, across);
    }
    const area = (alongMax - alongMin) * (acrossMax - acrossMin);
    // Where two rectangles are equally small the first stays, so that the result does not hang on rounding.
    if (best !== undefined && area >= best.area - 1e-9) continue;
    const along = (alongMin + alongMax) / 2;
    const across = (acrossMin + acrossMax) / 2;
    const centre = { x: along * ux - across * uy, y: along * uy + across * ux };
    const [a, b, angle] = [alongMax - alongMin, acrossMax - acrossMin, Math.atan2(uy, ux)];
    best =
      a >= b
        ? { area, centre, length: a, breadth: b, angle: halfTurn(angle) }
        : { area, centre, length: b, breadth: a, angle: halfTurn(angle + Math.PI / 2) };
  }
  if (best === undefined) throw new RangeError('no points');
  return best;
}

/** The same line's direction in (−π/2, π/2]. */
function halfTurn(angle: number): number {
  let turned = angle;
  while (turned > Math.PI / 2) turned -= Math.PI;
  while (turned <= -Math.PI / 2) turned += Math.PI;
  return turned;
}

/** Corners of a rotated rectangle: clockwise, from where its `length` begins. */
export function corners(rect: RotatedRect): Quad {
  const [c, s] = [Math.cos(rect.angle), Math.sin(rect.angle)];
  const [lx, ly] = [(c * rect.length) / 2, (s * rect.length) / 2];
  const [bx, by] = [(-s * rect.breadth) / 2, (c * rect.breadth) / 2];
  const { x, y } = rect.centre;
  return [
    { x: x - lx - bx, y: y - ly - by },
    { x: x + lx - bx, y: y + ly - by },
    { x: x + lx + bx, y: y + ly + by },
    { x: x - lx + bx, y: y - ly + by },
  ];
}

export function polygonArea(points: readonly Point[]): number {
  let twice = 0;
  for (let i = 0; i < points.length; i++) {
    const a = points[i]!;
    const b = points[(i + 1) % points.length]!;
    twice += a.x * b.y - b.x * a.y;
  }
  return Math.abs(twice) / 2;
}

/** What lies between two shares of a quadrilateral's way from its left to its right side, 0 being the left one. */
export function sliceOf([a, b, c, d]: Quad, start: number, end: number): Quad {
  const between = (from: Point, to: Point, at: number): Point => ({
    x: from.x + (to.x - from.x) * at,
    y: from.y + (to.y - from.y) * at,
  });
  return [between(a, b, start), between(a, b, end), between(d, c, end), between(d, c, start)];
}
