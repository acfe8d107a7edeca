/** The sample card lying askew on a table, for tests. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import type { Quad } from '../../imaging/geometry.ts';
import { decodeImage } from '../../inference/decode.ts';
import { NO_LABELS } from '../../quality/labelled-image.ts';
import { place } from '../../quality/place.ts';

/** Where the card's corners are. */
export const DESK_QUAD: Quad = [
  { x: 150, y: 110 },
  { x: 960, y: 40 },
  { x: 1010, y: 560 },
  { x: 110, y: 640 },
];

/** As PNG. */
export async function drawDesk(): Promise<Buffer> {
  const file = readFileSync(new URL('../../samples/card.jpg', import.meta.url));
  const card = { pixels: await decodeImage(file), labels: NO_LABELS };
  const table = { width: 1100, height: 720, data: new Uint8Array(1100 * 720 * 3).fill(70) };
  const { width, height, data } = place(card, table, DESK_QUAD).pixels;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
