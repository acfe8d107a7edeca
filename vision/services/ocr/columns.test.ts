import { expect, test } from 'vitest';
import type { Quad } from '../../imaging/geometry.ts';
import { partedAtColumns } from './columns.ts';
import { inkOfColumns } from './ink.ts';

const OPTIONS = { minWidth: 0.8, medianFactor: 4, wordFactor: 2 };
const HEIGHT = 48;
const BAR = 10;

/** A line with a black bar for each character but spaces, after the given gap, twice as large in the image as it is read. */
function line(characters: readonly (readonly [text: string, gapBefore: number])[]) {
  const width = characters.reduce((sum, [, gap]) => sum + gap + BAR, 4);
  const pixels = { width, height: HEIGHT, data: new Uint8Array(width * HEIGHT * 3).fill(255) };
  let x = 0;
  const placed = characters.map(([text, gap]) => {
    x += gap;
    if (text !== ' ') for (let y = 10; y < 38; y++) pixels.data.fill(0, (y * width + x) * 3, (y * width + x + BAR) * 3);
    x += BAR;
    return { text, confidence: 1, from: x - BAR, to: x };
  });
  const quad: Quad = [
    { x: 100, y: 20 },
    { x: 100 + 2 * width, y: 20 },
    { x: 100 + 2 * width, y: 20 + 2 * HEIGHT },
    { x: 100, y: 20 + 2 * HEIGHT },
  ];
  return { quad, characters: placed, pixels, columnsPerStep: 1 };
}

const word = (text: string, gapBefore: number, between = 4) =>
  [...text].map((character, index) => [character, index === 0 ? gapBefore : between] as const);
const parted = (whole: ReturnType<typeof line>) => partedAtColumns(whole, inkOfColumns(whole.pixels), OPTIONS);
const textsOf = (parts: ReturnType<typeof parted>) =>
  parts.map(({ characters }) => characters.map(({ text }) => text).join(''));

test('columns with a wide gap between them are parted, each with its own place', () => {
  const whole = line([...word('AR48', 4), ...word('02.11', 40), ...word('x', 45)]);
  const parts = parted(whole);
  expect(textsOf(parts)).toEqual(['AR48', '02.11', 'x']);
  // The first column ends at 4 + 4 × 10 + 3 × 4, the second begins 40 further on; the cut is between them.
  expect(parts[0]!.quad[1].x).toBe(100 + 2 * (56 + 20));
  expect(parts[1]!.quad[0]).toEqual(parts[0]!.quad[1]);
  expect([parts[0]!.quad[0], parts[2]!.quad[2]]).toEqual([whole.quad[0], whole.quad[2]]);
});

test('a space that the model saw between columns hides no gap, and parts nothing by itself', () => {
  const parts = parted(line([...word('AR', 4), [' ', 12], ...word('02', 20)]));
  expect(textsOf(parts).map((text) => text.trim())).toEqual(['AR', '02']);
  expect(textsOf(parted(line([...word('AR', 4), [' ', 1], ...word('02', 1)])))).toEqual(['AR 02']);
});

test('words stay together, and so do letters that are set wide apart', () => {
  expect(parted(line([...word('Date', 4), ...word('of', 24), ...word('birth', 24)]))).toHaveLength(1);
  expect(parted(line(word('SPACED', 4, 40)))).toHaveLength(1);
});

test('where words stand far apart, columns must stand farther', () => {
  const mono = [...word('on', 4), ...word('11', 28), ...word('at', 30)];
  expect(textsOf(parted(line([...mono, ...word('12', 45)])))).toEqual(['on11at12']);
  expect(textsOf(parted(line([...mono, ...word('12', 62)])))).toEqual(['on11at', '12']);
});

test('a line without any character is left as it is', () => {
  const empty = line([]);
  expect(parted(empty)).toEqual([empty]);
});
