/** What the merging makes of several images together. */
import { describe, expect, test } from 'vitest';
import { Barcode } from '../../../protocol/generated/barcode/v1m0/barcode_pb.js';
import { ExtractedFace } from '../../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import { TextLine } from '../../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { type DistinctBarcode, type MergedText, Verdict } from '../../../protocol/generated/summary/v1m0/summary_pb.js';
import { distinctBarcodes } from './barcodes.ts';
import { boxAround, overlap } from './box.ts';
import { crossCheck, valuesOf } from './cross-check.ts';
import { matchFaces } from './faces.ts';
import { nearDuplicates, scenesOf } from './scenes.ts';
import type { SeenImage } from './seen-image.ts';
import { similarity } from './similarity.ts';
import { mergeText } from './text.ts';
import { timingOf } from './timing.ts';

interface Shown {
  readonly faces?: readonly [x: number, y: number, confidence?: number][];
  readonly lines?: readonly [text: string, y: number, confidence?: number][];
  readonly codes?: readonly string[];
  readonly width?: number;
}

/** An image with 100 × 100 faces, lines across it and codes in a corner. */
function image(imageId: string, { faces = [], lines = [], codes = [], width = 640 }: Shown): SeenImage {
  const across = (y: number) => ({ x: 0, y, width: 500, height: 20 });
  return {
    imageId,
    width,
    height: 480,
    faces: faces.map(([x, y, confidence = 0.9], index) => {
      const box = { x, y, width: 100, height: 100 };
      return { box, result: ExtractedFace.create({ imageId, index, confidence, box }) };
    }),
    lines: lines.map(([text, y, confidence = 0.9], index) => ({
      box: across(y),
      result: TextLine.create({ imageId, index, text, confidence }),
    })),
    codes: codes.map((text, index) => ({
      box: across(400),
      result: Barcode.create({ imageId, index, text, label: 'QRCode', confidence: 1, raw: Buffer.from(text) }),
    })),
  };
}

describe('near-duplicate frames', () => {
  const first = image('1', { faces: [[10, 10]], lines: [['SURNAME', 200]] });

  test.each<[string, SeenImage, boolean]>([
    ['the same things a little shifted', image('2', { faces: [[20, 15]], lines: [['SURNANE', 204]] }), true],
    ['the same things elsewhere', image('2', { faces: [[300, 10]], lines: [['SURNAME', 300]] }), false],
    ['another text at the same place', image('2', { lines: [['Date of birth', 200]] }), false],
    ['half of it', image('2', { faces: [[10, 10]] }), true],
    [
      'much else beside it',
      image('2', {
        faces: [
          [10, 10],
          [200, 10],
          [400, 10],
          [10, 300],
        ],
      }),
      false,
    ],
    ['another size', image('2', { faces: [[10, 10]], lines: [['SURNAME', 200]], width: 641 }), false],
    ['nothing', image('2', {}), false],
  ])('%s', (_what, second, expected) => {
    expect(nearDuplicates(first, second)).toBe(expected);
    expect(nearDuplicates(second, first)).toBe(expected);
  });

  test('images that show nothing are no frames of one scene', () => {
    expect(nearDuplicates(image('1', {}), image('2', {}))).toBe(false);
  });

  test('a chain of frames is one scene, whatever came in between', () => {
    const frames = [0, 20, 40, 60].map((x, n) => image(String(n), { faces: [[x, 10]] }));
    const other = image('x', { faces: [[400, 300]] });
    expect(scenesOf([frames[0]!, other, frames[1]!, frames[2]!, frames[3]!])).toEqual([0, 1, 0, 0, 0]);
  });
});

describe('faces', () => {
  test('a face that moves a little from frame to frame is one face, seen several times', () => {
    const frames = [0, 20, 40].map((x, n) => image(String(n), { faces: [[x, 10, 0.7 + n / 10]] }));
    const [face, ...others] = matchFaces([frames]);
    expect(others).toEqual([]);
    expect(face!.sightings.map(({ imageId }) => imageId)).toEqual(['0', '1', '2']);
    expect(face!.confidence).toBeCloseTo(0.9);
  });

  test('two faces of one frame stay two, each matched with the nearer', () => {
    const frames = [
      image('0', {
        faces: [
          [0, 0],
          [45, 0],
        ],
      }),
      image('1', {
        faces: [
          [50, 0],
          [5, 0],
        ],
      }),
    ];
    const faces = matchFaces([frames]);
    expect(faces.map(({ sightings }) => sightings.map(({ index }) => index))).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  test('faces at the same place in different scenes are different faces', () => {
    const [a, b] = [image('0', { faces: [[0, 0]] }), image('1', { faces: [[0, 0]] })];
    expect(matchFaces([[a], [b]])).toHaveLength(2);
  });
});

describe('text', () => {
  test('of different readings of a line the one with most behind it stands, the others are told', () => {
    const frames = [
      image('0', { lines: [['L1NDQVIST', 10, 0.6]] }),
      image('1', { lines: [['LINDQVIST', 12, 0.9]] }),
      image('2', { lines: [['LINDQVIST', 11, 0.5]] }),
    ];
    expect(mergeText([frames])).toMatchObject([
      { text: 'LINDQVIST', confidence: 0.63, alternatives: ['L1NDQVIST'], sightings: [{}, {}, {}] },
    ]);
  });

  test('the same text in different scenes is one entry; spelling is that of the clearest', () => {
    const merged = mergeText([
      [image('0', { lines: [['ada  marie', 10, 0.5]] })],
      [image('1', { lines: [['Ada Marie', 300, 0.8]] })],
    ]);
    expect(merged).toMatchObject([{ text: 'Ada Marie', confidence: 0.8, alternatives: [] }]);
    expect(merged[0]!.sightings.map(({ imageId }) => imageId)).toEqual(['0', '1']);
  });

  test('similar lines of one frame stay apart', () => {
    const frame = image('0', {
      lines: [
        ['Line 1', 10],
        ['Line 2', 40],
      ],
    });
    expect(mergeText([[frame]]).map(({ text }) => text)).toEqual(['Line 1', 'Line 2']);
  });
});

test('each distinct code comes once, with everywhere it was seen', () => {
  const codes = distinctBarcodes([image('0', { codes: ['A', 'B'] }), image('1', { codes: ['A'] })]);
  expect(codes.map(({ text, sightings }) => [text, sightings.length])).toEqual([
    ['A', 2],
    ['B', 1],
  ]);
});

describe('text against barcodes', () => {
  const printed = (...texts: string[]) =>
    texts.map((text): MergedText => ({ text, confidence: 1, sightings: [], alternatives: [] }));
  const code = (text: string): DistinctBarcode => ({ label: 'QRCode', text, raw: new Uint8Array(), sightings: [] });
  const verdict = (barcode: string, ...texts: string[]) => crossCheck([code(barcode)], printed(...texts))[0]!;

  test.each<[string, string, string[], Verdict]>([
    ['as it is', 'AR4829175306', ['Card number', 'AR4829175306'], Verdict.AGREES],
    ['spaced out', '482917530611', ['4829 1753 0611'], Verdict.AGREES],
    ['with letters read as digits', 'AR4O29', ['AR4029'], Verdict.AGREES],
    ['as the end of a link', 'https://id.example/card/AR4829175306', ['AR4829175306'], Verdict.AGREES],
    ['within a line', 'ID=AR4829175306', ['No.AR4829175306'], Verdict.AGREES],
    ['one digit off', 'AR4829175306', ['AR4829175308'], Verdict.CONFLICTS],
    ['one value right and one wrong', 'AR4829175306;1987-03-14', ['AR4829175306', '1987-03-24'], Verdict.CONFLICTS],
    ['a name that resembles another', 'LINDQVIST', ['LINDQUIST'], Verdict.UNRELATED],
    ['nothing of it', 'https://example.org/', ['Ada Marie'], Verdict.UNRELATED],
    ['no text at all', 'AR4829175306', [], Verdict.UNRELATED],
  ])('printed %s', (_how, barcode, texts, expected) => {
    expect(verdict(barcode, ...texts).verdict).toBe(expected);
  });

  test('the evidence names what stands where', () => {
    expect(verdict('ID:AR4829175306', 'Card number', 'AR4829175308').evidence).toEqual([
      { verdict: Verdict.CONFLICTS, barcodeValue: 'AR4829175306', textValue: 'AR4829175308', text: 1 },
    ]);
  });

  test.each<[string, string[]]>([
    ['https://id.example/card/AR4829175306', ['https', 'id.example', 'card', 'AR4829175306']],
    ['https://example.org/v?id=AR48291&born=1987-03-14', ['https', 'example.org', 'AR48291', 'born', '1987-03-14']],
    ['LINDQVIST;14/03/1987', ['LINDQVIST', '14/03/1987']],
    ['AR4829175306', ['AR4829175306']],
    ['a b c', []],
  ])('%s is taken apart into its values', (text, values) => {
    expect(valuesOf(text)).toEqual(values);
  });
});

test('timing tells how each service did', () => {
  const outcome = (service: string, durationMs: number, kind: 'completed' | 'failed' | 'missing' = 'completed') => ({
    service,
    outcome: kind,
    results: kind === 'completed' ? 2 : 0,
    durationMs,
  });
  const outcomes = [
    outcome('ocr', 1500),
    outcome('ocr', 500),
    outcome('ocr', 0, 'failed'),
    outcome('face', 0, 'missing'),
  ];
  expect(timingOf(outcomes)).toEqual([
    { service: 'face', completed: 0, failed: 0, missing: 1, results: 0 },
    {
      service: 'ocr',
      completed: 2,
      failed: 1,
      missing: 0,
      results: 4,
      total: { seconds: 2, nanos: 0 },
      median: { seconds: 0, nanos: 500_000_000 },
      longest: { seconds: 1, nanos: 500_000_000 },
    },
  ]);
});

test('similarity is one minus the share of what has to be edited', () => {
  expect(similarity('kitten', 'sitting')).toBeCloseTo(1 - 3 / 7);
  expect(similarity('', '')).toBe(1);
  expect(similarity('same', 'same')).toBe(1);
  expect(similarity('abc', '')).toBe(0);
});

test('boxes: the one around corners, and how much two overlap', () => {
  const quadrilateral = { topLeft: { x: 3, y: 1 }, topRight: { x: 9, y: 4 }, bottomLeft: { x: 1, y: 8 } };
  expect(boxAround(quadrilateral)).toEqual({ x: 1, y: 1, width: 8, height: 7 });
  expect(boxAround({})).toBeUndefined();
  const box = { x: 0, y: 0, width: 10, height: 10 };
  expect(overlap(box, box)).toBe(1);
  expect(overlap(box, { ...box, x: 5 })).toBeCloseTo(1 / 3);
  expect(overlap(box, { ...box, x: 10 })).toBe(0);
  expect(overlap(box, undefined)).toBe(0);
});
