/**
 * Makes the synthetic samples and truth.json, what each sample shows: `node vision/samples/generate.ts`.
 *
 * The photographs are not made here; README.md says where they come from.
 */
import { writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import type { Rect } from '../imaging/geometry.ts';
import { inReadingOrder } from '../services/reading-order.ts';
import { drawCard } from './card.ts';
import type { BarcodeTruth, TextTruth } from './drawing.ts';
import { drawPage } from './page.ts';

/** What a sample shows, in pixels of the sample. A list that is left out was not labelled. */
export interface SampleTruth {
  readonly file: string;
  readonly faces?: readonly Rect[];
  /** In reading order. */
  readonly text?: readonly TextTruth[];
  readonly barcodes?: readonly BarcodeTruth[];
}

/** Labelled by eye: from the eyebrows or hairline to the chin, from ear to ear. */
const PHOTOGRAPHS: readonly SampleTruth[] = [
  { file: 'astronaut.jpg', faces: [{ x: 177, y: 79, width: 98, height: 100 }], barcodes: [] },
  { file: 'photographer.jpg', faces: [{ x: 200, y: 127, width: 54, height: 70 }], text: [], barcodes: [] },
  { file: 'cat.jpg', faces: [], text: [], barcodes: [] },
  { file: 'coffee.jpg', faces: [], text: [], barcodes: [] },
  { file: 'rocket.jpg', faces: [], barcodes: [] },
];

const PARAGRAPHS = [
  'A log is perhaps the simplest possible storage abstraction. It is an append-only sequence of records, ordered by time.',
  'Records are appended to the end of the log, and reads proceed left to right. Each entry is assigned a unique sequential offset.',
  'The ordering of records defines a notion of time, since entries to the left are older than entries to the right. In 2026, 14 of 15 readers agreed that this is convenient.',
  'A reader keeps its own position. When it returns, it asks for the next entry after the last one that it has processed, and so nothing is lost.',
];

async function generate(): Promise<void> {
  const card = await drawCard({
    surname: 'LINDQVIST',
    givenNames: 'Ada Marie',
    born: '14.03.1987',
    number: 'AR4829175306',
    expires: '02.11.2031',
    place: 'Port Helen',
  });
  const page = await drawPage(PARAGRAPHS, {
    width: 1240,
    height: 860,
    font: 'DejaVuSerif',
    size: 30,
    margin: 80,
    leading: 1.5,
  });
  const truth: SampleTruth[] = [
    ...PHOTOGRAPHS,
    { file: 'card.jpg', ...card.truth, text: inReadingOrder(card.truth.text, ({ box }) => placeOf(box)) },
    { file: 'page.png', faces: [], barcodes: [], ...page.truth },
  ];
  await save('card.jpg', await sharp(card.png).jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer());
  await save('page.png', await sharp(page.png).greyscale().png({ compressionLevel: 9, palette: true }).toBuffer());
  await save('truth.json', `${JSON.stringify(truth, rounded, 2)}\n`);
}

function placeOf({ x, y, width, height }: Rect) {
  return { centre: { x: x + width / 2, y: y + height / 2 }, height };
}

/** Coordinates to a tenth of a pixel: the file is for people too. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 10) / 10 : value;
}

function save(name: string, content: Buffer | string): Promise<void> {
  return writeFile(new URL(name, import.meta.url), content);
}

await generate();
