import { describe, expect, test } from 'vitest';
import { type Labels, NO_LABELS, quadOf } from './labelled-image.ts';
import { addToScore, emptyScore, type Findings } from './score.ts';

function scored(labels: Partial<Labels>, found: Findings) {
  const score = emptyScore();
  addToScore(score, { ...NO_LABELS, ...labels }, found);
  return score;
}
const at = (text: string, x: number, y: number, width: number) => ({
  text,
  quad: quadOf({ x, y, width, height: 20 }).map((point) => [point.x, point.y] as const),
});
const line = (text: string, x: number, y: number, width: number) => ({
  text,
  quad: quadOf({ x, y, width, height: 20 }),
});

describe('text', () => {
  const labels = { text: [line('first line', 10, 10, 200), line('second', 10, 50, 100)] };

  test('counts edits line by line, whatever the order', () => {
    const { text } = scored(labels, { text: [at('secomd', 12, 52, 96), at('first line', 9, 9, 203)] });
    expect(text).toEqual({ edits: 1, characters: 16, fromNowhere: 0 });
  });

  test('joins a line that was read in two pieces', () => {
    const { text } = scored(labels, {
      text: [at('line', 130, 10, 80), at('first', 10, 10, 80), at('second', 10, 50, 100)],
    });
    expect(text.edits).toBe(0);
  });

  test('counts what was missed, and what was read where there is nothing', () => {
    const { text } = scored(labels, { text: [at('second', 10, 50, 100), at('ghost', 400, 300, 60)] });
    expect(text).toEqual({ edits: 10 + 5, characters: 16, fromNowhere: 5 });
  });
});

describe('faces', () => {
  const face = { x: 100, y: 100, width: 80, height: 80 };

  test('each is found once at most', () => {
    const near = { ...face, x: 105 };
    expect(scored({ faces: [quadOf(face)] }, { faces: [near, near] }).faces).toEqual({ hit: 1, missed: 0, wrong: 1 });
    expect(scored({ faces: [quadOf(face)] }, { faces: [{ ...face, x: 300 }] }).faces).toEqual({
      hit: 0,
      missed: 1,
      wrong: 1,
    });
  });

  test('a turned face is compared as an upright box of its size', () => {
    const [cx, cy, r] = [140, 140, 40 * Math.SQRT2];
    const turned = [-1, 0, 1, 2].map((k) => ({
      x: cx + r * Math.cos((k * Math.PI) / 2),
      y: cy + r * Math.sin((k * Math.PI) / 2),
    }));
    const [a, b, c, d] = turned;
    expect(scored({ faces: [[a!, b!, c!, d!]] }, { faces: [face] }).faces.hit).toBe(1);
  });
});

test('barcodes count by what they say', () => {
  const labels = {
    barcodes: [
      { label: 'QRCode', text: 'a' },
      { label: 'Code128', text: 'b' },
    ],
  };
  const found = {
    barcodes: [
      { label: '', text: 'b' },
      { label: '', text: 'c' },
    ],
  };
  expect(scored(labels, found).barcodes).toEqual({ hit: 1, missed: 1, wrong: 1 });
});
