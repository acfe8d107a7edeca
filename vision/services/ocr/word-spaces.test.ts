import { expect, test } from 'vitest';
import { inkOfColumns } from './ink.ts';
import { withWordSpaces } from './word-spaces.ts';

const options = { minWidth: 0.18, medianFactor: 2.2, medianMargin: 0.06 };

/** A line 48 pixels high with a black bar of 10 pixels for each character, after the given gap. */
function line(characters: readonly [text: string, gapBefore: number][], background = 255, ink = 0) {
  const width = characters.reduce((sum, [, gap]) => sum + gap + 10, 20);
  const pixels = { width, height: 48, data: new Uint8Array(width * 48 * 3).fill(background) };
  let x = 0;
  const placed = characters.map(([text, gap]) => {
    x += gap;
    for (let y = 10; y < 38; y++) pixels.data.fill(ink, (y * width + x) * 3, (y * width + x + 10) * 3);
    const character = { text, confidence: 1, from: x, to: x + 10 };
    x += 10;
    return character;
  });
  return withWordSpaces({ characters: placed, pixels, columnsPerStep: 1 }, inkOfColumns(pixels), options);
}

test('puts a space where the gap is wide beside the others', () => {
  const word = (text: string, first: number) => [...text].map((c, i): [string, number] => [c, i === 0 ? first : 4]);
  expect(line([...word('Date', 4), ...word('of', 15), ...word('birth', 14)])).toBe('Date of birth');
});

test('light text on dark ground as well', () => {
  expect(
    line(
      [
        ['a', 2],
        ['b', 3],
        ['c', 20],
        ['d', 3],
      ],
      20,
      240,
    ),
  ).toBe('ab cd');
});

test('widely spaced letters are one word', () => {
  expect(line([...'SPACED'].map((c) => [c, 16] as [string, number]))).toBe('SPACED');
});

test('scripts without spaces get none', () => {
  expect(
    line([
      ['日', 4],
      ['本', 4],
      ['語', 25],
      ['文', 4],
    ]),
  ).toBe('日本語文');
});

test('a space that the model saw is not doubled', () => {
  expect(
    line([
      ['a', 4],
      [' ', 12],
      ['b', 14],
    ]),
  ).toBe('a b');
});
