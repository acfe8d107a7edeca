/**
 * Which images are near-duplicate frames of one scene: a burst, a video's frames, a second try.
 *
 * The pixels are not at hand here, only what was found in them. Two images are taken for frames of one scene if they have the
 * same size and at least half of what either shows lies at the same place in the other: faces and barcodes by their
 * rectangles, text by rectangle and reading. Frames of a scene follow each other, so each image is compared with a few before
 * it, which keeps the cost linear.
 */
import { overlap } from './box.ts';
import type { Seen, SeenImage } from './seen-image.ts';
import { normalised, similarity } from './similarity.ts';

/** Images before an image that it is compared with. */
const LOOK_BACK = 16;
/** Results of a kind that are compared at most. */
const MAX_COMPARED = 64;
const SAME_PLACE = 0.5;
const SAME_READING = 0.6;
const SHARED = 0.5;

/** @returns the scene of each image, in the order given; scenes count from 0 in the order of their first image */
export function scenesOf(images: readonly SeenImage[]): number[] {
  const first = images.map((_, n) => n);
  const root = (n: number): number => {
    let at = n;
    while (first[at] !== at) at = first[at]!;
    return at;
  };
  for (let n = 1; n < images.length; n++) {
    for (let before = n - 1; before >= Math.max(0, n - LOOK_BACK); before--) {
      const [a, b] = [root(before), root(n)];
      // The smaller becomes the root, so a scene is named by its first image.
      if (a !== b && nearDuplicates(images[before]!, images[n]!)) first[Math.max(a, b)] = Math.min(a, b);
    }
  }
  const numbers = new Map<number, number>();
  return images.map((_, n) => {
    const scene = root(n);
    if (!numbers.has(scene)) numbers.set(scene, numbers.size);
    return numbers.get(scene)!;
  });
}

export function nearDuplicates(a: SeenImage, b: SeenImage): boolean {
  if (a.width !== b.width || a.height !== b.height) return false;
  const shared =
    matches(a.faces, b.faces, () => true) +
    matches(a.codes, b.codes, (x, y) => x.label === y.label && x.text === y.text) +
    matches(a.lines, b.lines, (x, y) => similarity(normalised(x.text), normalised(y.text)) >= SAME_READING);
  return shared > 0 && shared / Math.max(size(a), size(b)) >= SHARED;
}

/** Pairs of results at the same place, each result in one pair at most. */
function matches<R>(a: readonly Seen<R>[], b: readonly Seen<R>[], alike: (x: R, y: R) => boolean): number {
  const free = new Set(b.slice(0, MAX_COMPARED));
  let pairs = 0;
  for (const one of a.slice(0, MAX_COMPARED)) {
    for (const other of free) {
      if (overlap(one.box, other.box) < SAME_PLACE || !alike(one.result, other.result)) continue;
      free.delete(other);
      pairs += 1;
      break;
    }
  }
  return pairs;
}

function size({ faces, lines, codes }: SeenImage): number {
  return (
    Math.min(faces.length, MAX_COMPARED) + Math.min(lines.length, MAX_COMPARED) + Math.min(codes.length, MAX_COMPARED)
  );
}
