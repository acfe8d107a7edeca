/**
 * The labelled set: made-up cards and pages under every condition, faces of many sizes in a scene, and pictures
 * without any face. Generated, so that the labels are exact and the set can grow without a download.
 */
import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { seeded } from '../../protocol/seeded-random.ts';
import type { Rect } from '../imaging/geometry.ts';
import { type DecodedImage, decodeImage } from '../inference/decode.ts';
import { type CardHolder, drawCard } from '../samples/card.ts';
import type { FontName } from '../samples/drawing.ts';
import { drawPage } from '../samples/page.ts';
import { CONDITIONS } from './conditions.ts';
import { type LabelledPixels, NO_LABELS, quadOf } from './labelled-image.ts';
import { place } from './place.ts';

export interface LabelledImage extends LabelledPixels {
  readonly name: string;
  /** Which group its scores count towards. */
  readonly group: 'card' | 'page' | 'face' | 'no face';
  readonly condition: string;
}

const HOLDERS: readonly CardHolder[] = [
  {
    surname: 'LINDQVIST',
    givenNames: 'Ada Marie',
    born: '14.03.1987',
    number: 'AR4829175306',
    expires: '02.11.2031',
    place: 'Port Helen',
  },
  {
    surname: 'OKONKWO',
    givenNames: 'Chidi James',
    born: '29.08.1964',
    number: 'AR7712038459',
    expires: '17.05.2029',
    place: 'North Quay',
  },
];

const TEXT = [
  'Every client has one journal and every entry in it has an offset. Offsets rise but need not be consecutive: 17, 18 and 42 are as good as any.',
  'If the connection breaks, the client says which offset it has processed, for example "from 1843", and reading goes on with the entry after it.',
  'Invoice no. 2026-0417: 3 reels of paper at 12.50 each, 1 crate (large) at 89.00, postage 7.20. Total due by 30 June: 133.70.',
  'Dr. Quigley\'s jinxed wizard boxes vex Mr. Fry: "pack them by 5 p.m.", he said; nobody did.',
];

const PAGES: readonly { readonly font: FontName; readonly size: number }[] = [
  { font: 'DejaVuSerif', size: 28 },
  { font: 'DejaVuSans', size: 22 },
  { font: 'DejaVuSansCondensed', size: 17 },
];

const PORTRAIT_FACE: Rect = { x: 177, y: 79, width: 98, height: 100 };
const PROFILE_FACE: Rect = { x: 200, y: 127, width: 54, height: 70 };

/** Yields one image at a time: the whole set would fill the memory of a small machine. */
export async function* labelledSet(): AsyncGenerator<LabelledImage> {
  for (const [index, holder] of HOLDERS.entries()) {
    const { png, truth } = await drawCard(holder);
    const labels = {
      faces: truth.faces.map(quadOf),
      text: truth.text.map(({ text, box }) => ({ text, quad: quadOf(box) })),
      barcodes: truth.barcodes,
    };
    yield* underAllConditions('card', `card${index}`, { pixels: await decodeImage(png), labels }, index);
  }
  for (const [index, { font, size }] of PAGES.entries()) {
    const { png, truth } = await drawPage(TEXT, { width: 1000, height: 620, font, size, margin: 50, leading: 1.45 });
    const text = truth.text.map((line) => ({ text: line.text, quad: quadOf(line.box) }));
    const page = { pixels: await decodeImage(png), labels: { ...NO_LABELS, text } };
    yield* underAllConditions('page', `page${index}`, page, 100 + index);
  }
  yield* faces();
  yield* withoutFaces();
}

async function* underAllConditions(
  group: LabelledImage['group'],
  name: string,
  picture: LabelledPixels,
  seed: number,
): AsyncGenerator<LabelledImage> {
  for (const [index, condition] of CONDITIONS.entries()) {
    const changed = await condition.apply(picture, seeded(seed * 1000 + index));
    yield { ...changed, name: `${name}-${index}`, group, condition: condition.name };
  }
}

/** The astronaut and the photographer, alone under all conditions, and at many sizes in a large scene. */
async function* faces(): AsyncGenerator<LabelledImage> {
  const astronaut = { pixels: await sample('astronaut.jpg'), labels: { ...NO_LABELS, faces: [quadOf(PORTRAIT_FACE)] } };
  const profile = { pixels: await sample('photographer.jpg'), labels: { ...NO_LABELS, faces: [quadOf(PROFILE_FACE)] } };
  yield* underAllConditions('face', 'astronaut', astronaut, 200);
  yield* underAllConditions('face', 'profile', profile, 201);
  const scene = await enlarged(await sample('coffee.jpg'), 1920, 1280);
  for (const [index, facePixels] of [300, 150, 80, 50, 36, 26, 20].entries()) {
    const side = (facePixels / PORTRAIT_FACE.height) * astronaut.pixels.height;
    const random = seeded(300 + index);
    const x = random() * (scene.width - side);
    const y = Math.max(0, random() * (scene.height - side));
    const placed = place(astronaut, scene, quadOf({ x, y, width: side, height: side }));
    yield { ...placed, name: `scene-${facePixels}`, group: 'face', condition: `${facePixels} px in 1920 × 1280` };
  }
}

/** Everything here that a detector may take for a face, whole, turned, in parts and enlarged. */
async function* withoutFaces(): AsyncGenerator<LabelledImage> {
  for (const file of ['cat.jpg', 'coffee.jpg', 'rocket.jpg']) {
    const pixels = await sample(file);
    yield* underAllConditions('no face', file, { pixels, labels: NO_LABELS }, 400);
    const large = await enlarged(pixels, pixels.width * 3, pixels.height * 3);
    yield { pixels: large, labels: NO_LABELS, name: `${file}-large`, group: 'no face', condition: 'enlarged' };
    for (let part = 0; part < 4; part++) {
      const random = seeded(500 + part);
      const width = Math.round(pixels.width * (0.3 + random() * 0.4));
      const height = Math.round(pixels.height * (0.3 + random() * 0.4));
      const left = Math.floor(random() * (pixels.width - width));
      const top = Math.floor(random() * (pixels.height - height));
      const data = await raw(pixels).extract({ left, top, width, height }).raw().toBuffer();
      const cut = { width, height, data };
      yield { pixels: cut, labels: NO_LABELS, name: `${file}-part${part}`, group: 'no face', condition: 'part' };
    }
  }
}

async function sample(file: string): Promise<DecodedImage> {
  return decodeImage(await readFile(new URL(`../samples/${file}`, import.meta.url)));
}

async function enlarged(pixels: DecodedImage, width: number, height: number): Promise<DecodedImage> {
  return { width, height, data: await raw(pixels).resize(width, height, { fit: 'fill' }).raw().toBuffer() };
}

function raw({ data, width, height }: DecodedImage): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}
