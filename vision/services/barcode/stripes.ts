/**
 * Finds where an image is striped as a linear barcode is: many strong edges side by side, all in one direction.
 *
 * The reader scans along rows and columns, so it misses a linear code that is turned by more than about ten degrees,
 * and one whose bars drown in noise. Both can still be seen here: the structure tensor (Förstner and Gülch, 1987) of
 * each small block tells how strong its edges are, in which direction, and how unanimous they are.
 */
import { corners, type Quad } from '../../imaging/geometry.ts';
import type { DecodedImage } from '../../inference/decode.ts';

export interface StripeOptions {
  /** Pixels of a block's side. */
  readonly block: number;
  /** Mean squared gradient from which a block has edges, in grey levels a pixel. */
  readonly minEnergy: number;
  /** From 0 (edges in all directions) to 1 (all in one). */
  readonly minCoherence: number;
  /** Blocks that a striped area has at least. */
  readonly minBlocks: number;
  readonly maxAreas: number;
}

interface Block {
  readonly column: number;
  readonly row: number;
  /** Across the stripes, radians, modulo π. */
  readonly angle: number;
}

/** @returns the largest striped areas: first and second corner along the code, whichever way it is read. */
export function stripedAreas(image: DecodedImage, options: StripeOptions): Quad[] {
  const blocks = stripedBlocks(image, options);
  const columns = Math.floor(image.width / options.block);
  const byPlace = new Map(blocks.map((block) => [block.row * columns + block.column, block]));
  const areas: Block[][] = [];
  for (const start of blocks) {
    if (!byPlace.delete(start.row * columns + start.column)) continue;
    const area = [start];
    for (let at = 0; at < area.length; at++) {
      const { column, row, angle } = area[at]!;
      // Two blocks far: a wide bar or space of a large code has no edge inside a whole block.
      for (let next = 0; next < 25; next++) {
        const [x, y] = [column + (next % 5) - 2, row + Math.floor(next / 5) - 2];
        const neighbour = x < 0 || x >= columns ? undefined : byPlace.get(y * columns + x);
        if (neighbour === undefined || angleBetween(neighbour.angle, angle) > 0.25) continue;
        byPlace.delete(y * columns + x);
        area.push(neighbour);
      }
    }
    if (area.length >= options.minBlocks) areas.push(area);
  }
  return areas
    .sort((a, b) => b.length - a.length)
    .slice(0, options.maxAreas)
    .map((area) => around(area, options.block));
}

function stripedBlocks(image: DecodedImage, { block, minEnergy, minCoherence }: StripeOptions): Block[] {
  const { width, height } = image;
  const grey = new Float32Array(width * height);
  for (let i = 0; i < grey.length; i++) {
    grey[i] = 0.299 * image.data[i * 3]! + 0.587 * image.data[i * 3 + 1]! + 0.114 * image.data[i * 3 + 2]!;
  }
  const found: Block[] = [];
  for (let row = 0; row < Math.floor(height / block); row++) {
    for (let column = 0; column < Math.floor(width / block); column++) {
      let [xx, yy, xy] = [0, 0, 0];
      for (let y = Math.max(1, row * block); y < Math.min(height - 1, (row + 1) * block); y++) {
        for (let x = Math.max(1, column * block); x < Math.min(width - 1, (column + 1) * block); x++) {
          const at = y * width + x;
          const dx = (grey[at + 1]! - grey[at - 1]!) / 2;
          const dy = (grey[at + width]! - grey[at - width]!) / 2;
          xx += dx * dx;
          yy += dy * dy;
          xy += dx * dy;
        }
      }
      const energy = (xx + yy) / (block * block);
      if (energy < minEnergy) continue;
      if (Math.hypot(xx - yy, 2 * xy) / (xx + yy) < minCoherence) continue;
      found.push({ column, row, angle: Math.atan2(2 * xy, xx - yy) / 2 });
    }
  }
  return found;
}

/** Of two directions that have no sense: 0 to π/2. */
function angleBetween(a: number, b: number): number {
  const apart = Math.abs(a - b) % Math.PI;
  return Math.min(apart, Math.PI - apart);
}

/** The rectangle around an area, its length across the stripes. */
function around(area: readonly Block[], block: number): Quad {
  // Angles modulo π are averaged doubled, as points on a circle.
  const angle =
    Math.atan2(
      area.reduce((sum, { angle: each }) => sum + Math.sin(2 * each), 0),
      area.reduce((sum, { angle: each }) => sum + Math.cos(2 * each), 0),
    ) / 2;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const centres = area.map(({ column, row }) => ({ x: (column + 0.5) * block, y: (row + 0.5) * block }));
  const along = centres.map(({ x, y }) => x * c + y * s);
  const across = centres.map(({ x, y }) => y * c - x * s);
  const [from, to, top, bottom] = [Math.min(...along), Math.max(...along), Math.min(...across), Math.max(...across)];
  const [middle, level] = [(from + to) / 2, (top + bottom) / 2];
  return corners({
    centre: { x: middle * c - level * s, y: middle * s + level * c },
    // A block is counted from its middle, and a code needs the white beside it.
    length: to - from + 6 * block,
    breadth: Math.max(block, bottom - top),
    angle,
  });
}
