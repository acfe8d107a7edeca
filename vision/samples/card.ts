/** Draws a made-up identity card: portrait, text, QR and Code 128. */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import type { Rect } from '../imaging/geometry.ts';
import { type BarcodeTruth, drawBarcode, drawText, loadFont, type TextTruth } from './drawing.ts';

export interface CardHolder {
  readonly surname: string;
  readonly givenNames: string;
  readonly born: string;
  readonly number: string;
  readonly expires: string;
  readonly place: string;
}

export interface CardTruth {
  readonly faces: readonly Rect[];
  readonly text: readonly TextTruth[];
  readonly barcodes: readonly BarcodeTruth[];
}

/** 85.6 × 54 mm at 300 dots per inch, as an identity card is (ISO/IEC 7810 ID-1). */
export const CARD_SIZE = { width: 1012, height: 638 } as const;

/** The part of the astronaut's picture that serves as the portrait, and where her face is in that picture. */
const PORTRAIT = { left: 122, top: 20, width: 210, height: 260 } as const;
const PORTRAIT_FACE: Rect = { x: 177, y: 79, width: 98, height: 100 };

/** @returns a PNG without loss, and what it shows. The same holder gives the same picture. */
export async function drawCard(holder: CardHolder): Promise<{ png: Buffer; truth: CardTruth }> {
  const [sans, bold, mono] = await Promise.all([
    loadFont('DejaVuSans'),
    loadFont('DejaVuSans-Bold'),
    loadFont('DejaVuSansMono'),
  ]);
  const left = 330;
  const label = { size: 17, fill: '#5a6b7a' };
  const lines = [
    drawText(bold, 'REPUBLIC OF ARCADIA', { x: 40, baseline: 62, size: 34, fill: '#17365d' }),
    drawText(sans, 'IDENTITY CARD', { x: 690, baseline: 62, size: 30, fill: '#17365d' }),
    drawText(sans, 'Surname', { x: left, baseline: 130, ...label }),
    drawText(bold, holder.surname, { x: left, baseline: 166, size: 32 }),
    drawText(sans, 'Given names', { x: left, baseline: 212, ...label }),
    drawText(bold, holder.givenNames, { x: left, baseline: 248, size: 32 }),
    drawText(sans, 'Date of birth', { x: left, baseline: 294, ...label }),
    drawText(sans, holder.born, { x: left, baseline: 326, size: 27 }),
    drawText(sans, 'Place of birth', { x: 560, baseline: 294, ...label }),
    drawText(sans, holder.place, { x: 560, baseline: 326, size: 27 }),
    drawText(sans, 'Card number', { x: left, baseline: 372, ...label }),
    drawText(mono, holder.number, { x: left, baseline: 404, size: 28 }),
    drawText(sans, 'Date of expiry', { x: 560, baseline: 372, ...label }),
    drawText(sans, holder.expires, { x: 560, baseline: 404, size: 27 }),
  ];
  const qr = await drawBarcode('QRCode', `https://id.example/card/${holder.number}`, {
    x: 800,
    y: 410,
    width: 174,
    height: 174,
  });
  const code128 = await drawBarcode('Code128', holder.number, { x: 60, y: 500, width: 480, height: 84 });
  const portrait = { x: 40, y: 100, width: 260, height: 322 };
  const scale = portrait.width / PORTRAIT.width;
  const photo = await sharp(await readFile(new URL('./astronaut.jpg', import.meta.url)))
    .extract(PORTRAIT)
    .resize(portrait.width, portrait.height, { fit: 'cover', position: 'top' })
    .png()
    .toBuffer();
  const { width, height } = CARD_SIZE;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="${width}" height="${height}" fill="#e9f0f5"/>
    <rect width="${width}" height="88" fill="#cfdeea"/>
    <rect x="40" y="480" width="520" height="124" fill="#ffffff"/>
    <rect x="780" y="390" width="214" height="214" fill="#ffffff"/>
    ${[...lines, qr, code128].map((drawn) => drawn.svg).join('\n')}
  </svg>`;
  const png = await sharp(Buffer.from(svg))
    .composite([{ input: photo, left: portrait.x, top: portrait.y }])
    .removeAlpha()
    .png({ compressionLevel: 9 })
    .toBuffer();
  const face = {
    x: portrait.x + (PORTRAIT_FACE.x - PORTRAIT.left) * scale,
    y: portrait.y + (PORTRAIT_FACE.y - PORTRAIT.top) * scale,
    width: PORTRAIT_FACE.width * scale,
    height: PORTRAIT_FACE.height * scale,
  };
  return {
    png,
    truth: { faces: [face], text: lines.map((line) => line.truth), barcodes: [qr.truth, code128.truth] },
  };
}
