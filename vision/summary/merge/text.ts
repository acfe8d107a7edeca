/**
 * Text merged and de-duplicated.
 *
 * Lines at the same place in the frames of a scene that read alike are readings of one line: the reading with most confidence
 * behind it stands, the others are kept as alternatives. Lines that read the same, wherever they are, become one entry.
 */
import type { TextLine } from '../../../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { MergedText, Sighting } from '../../../protocol/generated/summary/v1m0/summary_pb.js';
import { rounded } from '../../inference/precision.ts';
import { overlap } from './box.ts';
import { type Seen, type SeenImage, sighting } from './seen-image.ts';
import { normalised, similarity } from './similarity.ts';

const SAME_PLACE = 0.5;
const SAME_LINE = 0.7;

interface Reading {
  readonly image: SeenImage;
  readonly line: Seen<TextLine>;
  readonly normal: string;
}

/** @param scenes the images of each scene, in order */
export function mergeText(scenes: readonly (readonly SeenImage[])[]): MergedText[] {
  const byText = new Map<string, Reading[]>();
  for (const group of scenes.flatMap(linesOfScene)) {
    const key = best(group).normal;
    if (key !== '') byText.set(key, [...(byText.get(key) ?? []), ...group]);
  }
  return [...byText.values()].map(toMergedText);
}

/** Groups the readings of a scene's frames by line. */
function linesOfScene(frames: readonly SeenImage[]): Reading[][] {
  const groups: Reading[][] = [];
  for (const image of frames) {
    const known = [...groups];
    const taken = new Set<Reading[]>();
    for (const line of image.lines) {
      const reading = { image, line, normal: normalised(line.result.text) };
      const group = known.find((candidate) => !taken.has(candidate) && isSameLine(candidate.at(-1)!, reading));
      if (group === undefined) groups.push([reading]);
      else {
        group.push(reading);
        taken.add(group);
      }
    }
  }
  return groups;
}

function isSameLine(a: Reading, b: Reading): boolean {
  return overlap(a.line.box, b.line.box) >= SAME_PLACE && similarity(a.normal, b.normal) >= SAME_LINE;
}

/** The reading that has most confidence behind it; of equals the first in the alphabet. */
function best(group: readonly Reading[]): { normal: string; share: number; others: string[] } {
  const weights = new Map<string, number>();
  for (const { normal, line } of group) weights.set(normal, (weights.get(normal) ?? 0) + line.result.confidence);
  const ranked = [...weights].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const total = ranked.reduce((sum, [, weight]) => sum + weight, 0);
  const [normal, weight] = ranked[0]!;
  return { normal, share: total === 0 ? 1 : weight / total, others: ranked.slice(1).map(([other]) => other) };
}

function toMergedText(group: readonly Reading[]): MergedText {
  const { normal, share, others } = best(group);
  const clearest = clearestOf(group, normal);
  return {
    text: clearest.text,
    confidence: rounded(clearest.confidence * share),
    sightings: group.map(({ image, line }): Sighting => sighting(image, line)),
    alternatives: others.map((other) => clearestOf(group, other).text),
  };
}

/** The most confident line of a reading, as it was spelt. */
function clearestOf(group: readonly Reading[], normal: string): TextLine {
  return group
    .filter((reading) => reading.normal === normal)
    .map(({ line }) => line.result)
    .reduce((a, b) => (b.confidence > a.confidence ? b : a));
}
