/** Compares what a reader found in labelled images with what they show. Pure. */
import { distance, type Quad, type Rect, rectIou } from '../imaging/geometry.ts';
import { editDistance } from './character-errors.ts';
import { boundsOf, type Labels } from './labelled-image.ts';
import { quadToSquare } from './place.ts';

/** What a reader found in one image; a part is left out where the reader does not look for such things. */
export interface Findings {
  readonly faces?: readonly Rect[];
  /** Corners clockwise from where the text begins, or from the top left. */
  readonly text?: readonly { readonly text: string; readonly quad: readonly (readonly [number, number])[] }[];
  readonly barcodes?: readonly { readonly label: string; readonly text: string }[];
}

export interface Score {
  /** Faces found, missed, and found where there is none. */
  readonly faces: { hit: number; missed: number; wrong: number };
  /** Edits that make what was read what was written, of so many characters; of them, characters read from nowhere. */
  readonly text: { edits: number; characters: number; fromNowhere: number };
  /** Barcodes read, missed, and read where there is none. */
  readonly barcodes: { hit: number; missed: number; wrong: number };
}

/** A face counts as found from this intersection over union: the convention of detection benchmarks. */
const SAME_FACE = 0.5;

export function emptyScore(): Score {
  return {
    faces: { hit: 0, missed: 0, wrong: 0 },
    text: { edits: 0, characters: 0, fromNowhere: 0 },
    barcodes: { hit: 0, missed: 0, wrong: 0 },
  };
}

/** Adds one image's result to `score`. */
export function addToScore(score: Score, labels: Labels, found: Findings): void {
  if (found.faces !== undefined) scoreFaces(score.faces, labels, found.faces);
  if (found.text !== undefined) scoreText(score.text, labels, found.text);
  if (found.barcodes !== undefined) scoreBarcodes(score.barcodes, labels, found.barcodes);
}

function scoreFaces(score: Score['faces'], labels: Labels, found: readonly Rect[]): void {
  const rest = [...found];
  for (const face of labels.faces) {
    const bounds = uprightFace(face);
    const index = rest.findIndex((candidate) => rectIou(candidate, bounds) >= SAME_FACE);
    if (index < 0) score.missed++;
    else {
      score.hit++;
      rest.splice(index, 1);
    }
  }
  score.wrong += rest.length;
}

/** A turned face's box is upright all the same: about the same middle, and as large as the face. */
function uprightFace(face: Quad): Rect {
  const around = boundsOf(face);
  const width = (distance(face[0], face[1]) + distance(face[3], face[2])) / 2;
  const height = (distance(face[0], face[3]) + distance(face[1], face[2])) / 2;
  const side = Math.sqrt(width * height);
  return {
    x: around.x + (around.width - side) / 2,
    y: around.y + (around.height - side) / 2,
    width: side,
    height: side,
  };
}

/**
 * Each piece that was read belongs to the written line in which its centre lies; pieces of one line are joined with
 * spaces in the line's direction. So the score does not hang on the order of lines, nor on a line read in two pieces.
 */
function scoreText(score: Score['text'], labels: Labels, found: NonNullable<Findings['text']>): void {
  const lines = labels.text.map(({ text, quad }) => ({
    text,
    locate: quadToSquare(quad),
    pieces: [] as { text: string; at: number }[],
  }));
  for (const { text, quad } of found) {
    const centre = { x: mean(quad.map(([x]) => x)), y: mean(quad.map(([, y]) => y)) };
    const [nearest] = lines
      .map((line) => ({ line, at: line.locate(centre) }))
      .filter(({ at }) => at.x > -0.2 && at.x < 1.2 && at.y > -0.4 && at.y < 1.4)
      .sort((a, b) => Math.abs(a.at.y - 0.5) - Math.abs(b.at.y - 0.5));
    if (nearest === undefined) {
      score.edits += [...text].length;
      score.fromNowhere += [...text].length;
    } else {
      nearest.line.pieces.push({ text, at: nearest.at.x });
    }
  }
  for (const { text, pieces } of lines) {
    const read = pieces
      .sort((a, b) => a.at - b.at)
      .map((piece) => piece.text)
      .join(' ');
    score.edits += editDistance(read, text);
    score.characters += [...text].length;
  }
}

function scoreBarcodes(score: Score['barcodes'], labels: Labels, found: NonNullable<Findings['barcodes']>): void {
  const rest = found.map(({ text }) => text);
  for (const code of labels.barcodes) {
    const index = rest.indexOf(code.text);
    if (index < 0) score.missed++;
    else {
      score.hit++;
      rest.splice(index, 1);
    }
  }
  score.wrong += rest.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
