/** Where to look for faces: the whole image, and in a large one overlapping tiles, since the model sees 256 pixels. */

export interface Region {
  readonly x: number;
  readonly y: number;
  /** Regions are square. */
  readonly side: number;
}

export interface TileOptions {
  /** Images whose longer side is below this are looked at as a whole only. */
  readonly fromSide: number;
  readonly side: number;
  /** Share of a tile that its neighbour sees too, so that no face is cut by both. */
  readonly overlap: number;
  /** In a larger image tiles grow rather than become more. */
  readonly max: number;
}

export function searchRegions(width: number, height: number, tiles: TileOptions): Region[] {
  const whole = Math.max(width, height);
  const regions: Region[] = [{ x: (width - whole) / 2, y: (height - whole) / 2, side: whole }];
  if (whole < tiles.fromSide) return regions;
  let side = tiles.side;
  while (starts(width, side, tiles.overlap).length * starts(height, side, tiles.overlap).length > tiles.max) {
    side *= 1.1;
  }
  for (const y of starts(height, side, tiles.overlap)) {
    for (const x of starts(width, side, tiles.overlap)) regions.push({ x, y, side });
  }
  return regions;
}

/** Where tiles of `side` begin so that they cover `length` evenly; one, centred, where a tile is longer than that. */
function starts(length: number, side: number, overlap: number): number[] {
  if (length <= side) return [(length - side) / 2];
  const count = Math.ceil((length - side) / (side * (1 - overlap))) + 1;
  return Array.from({ length: count }, (_, i) => ((length - side) * i) / (count - 1));
}
