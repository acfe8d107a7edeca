/** Orders what was found in an image as a person reads it: line by line from the top, each from the left. */
import type { Point } from '../imaging/geometry.ts';

export interface Placed {
  readonly centre: Point;
  readonly height: number;
}

/**
 * Sorts by lines. Two things are on one line where their centres differ by less than half the smaller height.
 * A comparison function cannot do this: 'on the same line' is not transitive.
 */
export function inReadingOrder<Item>(items: readonly Item[], place: (item: Item) => Placed): Item[] {
  const rest = items
    .map((item) => ({ item, ...place(item) }))
    .sort((a, b) => a.centre.y - b.centre.y || a.centre.x - b.centre.x);
  const ordered: Item[] = [];
  while (rest[0] !== undefined) {
    const first = rest[0];
    const line = rest.filter(
      (other) => Math.abs(other.centre.y - first.centre.y) < Math.min(other.height, first.height) / 2,
    );
    if (!line.includes(first)) line.push(first);
    for (const member of line) rest.splice(rest.indexOf(member), 1);
    ordered.push(...line.sort((a, b) => a.centre.x - b.centre.x).map(({ item }) => item));
  }
  return ordered;
}
