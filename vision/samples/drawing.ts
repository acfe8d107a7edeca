/**
 * Draws text and barcodes as SVG shapes and says where they are.
 *
 * Text becomes outlines from a font in a package, not <text>: the result does not depend on the fonts of the
 * machine, and the place of every line is known exactly.
 */
import { readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import opentype, { type Font } from 'opentype.js';
import { prepareZXingModule, type WriterOptions, writeBarcode } from 'zxing-wasm/writer';
import type { Rect } from '../imaging/geometry.ts';

export type FontName = 'DejaVuSans' | 'DejaVuSans-Bold' | 'DejaVuSerif' | 'DejaVuSansMono' | 'DejaVuSansCondensed';

export interface TextTruth {
  readonly text: string;
  readonly box: Rect;
}

export interface BarcodeTruth {
  readonly label: string;
  readonly text: string;
  readonly box: Rect;
}

/** Shapes, and what they show. */
export interface Drawn<Truth> {
  readonly svg: string;
  readonly truth: Truth;
}

export async function loadFont(name: FontName): Promise<Font> {
  const file = await readFile(join(packageFolder('dejavu-fonts-ttf'), 'ttf', `${name}.ttf`));
  return opentype.parse(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
}

/** A line of text from `x` on `baseline`, `size` pixels to the em. */
export function drawText(
  font: Font,
  text: string,
  { x, baseline, size, fill = '#111111' }: { x: number; baseline: number; size: number; fill?: string },
): Drawn<TextTruth> {
  const path = new opentype.Path();
  let at = x;
  for (const character of text) {
    const glyph = font.charToGlyph(character);
    path.extend(glyph.getPath(at, baseline, size));
    at += ((glyph.advanceWidth ?? 0) * size) / font.unitsPerEm;
  }
  const bounds = path.getBoundingBox();
  const box = { x: bounds.x1, y: bounds.y1, width: bounds.x2 - bounds.x1, height: bounds.y2 - bounds.y1 };
  return { svg: `<path d="${path.toPathData(2)}" fill="${fill}"/>`, truth: { text, box } };
}

/**
 * How far a line reaches, in pixels. The library's own text layout is not used: it fails on DejaVu's substitution
 * tables, and plain Latin text needs none of them.
 */
export function textWidth(font: Font, text: string, size: number): number {
  return [...text].reduce((sum, character) => {
    return sum + ((font.charToGlyph(character).advanceWidth ?? 0) * size) / font.unitsPerEm;
  }, 0);
}

/** A barcode that fills `box`, without a quiet zone: the caller leaves white around it. */
export async function drawBarcode(
  format: 'QRCode' | 'Code128' | 'EAN13' | 'DataMatrix' | 'PDF417' | 'Aztec',
  text: string,
  box: Rect,
): Promise<Drawn<BarcodeTruth>> {
  await prepareWriter();
  const options: WriterOptions = { format, scale: 1, addQuietZones: false };
  const { symbol, error } = await writeBarcode(text, options);
  if (error !== '') throw new Error(`cannot write ${format} '${text}': ${error}`);
  const [cellWidth, cellHeight] = [box.width / symbol.width, box.height / symbol.height];
  let path = '';
  for (let row = 0; row < symbol.height; row++) {
    for (let column = 0; column < symbol.width; column++) {
      if (symbol.data[row * symbol.width + column]! > 127) continue;
      const at = `M${(box.x + column * cellWidth).toFixed(3)} ${(box.y + row * cellHeight).toFixed(3)}`;
      path += `${at}h${cellWidth.toFixed(3)}v${cellHeight.toFixed(3)}h${(-cellWidth).toFixed(3)}z`;
    }
  }
  // Without crispEdges a viewer leaves hairlines between neighbouring cells.
  const svg = `<path d="${path}" fill="#000000" shape-rendering="crispEdges"/>`;
  return { svg, truth: { label: format, text, box } };
}

let writerReady: Promise<unknown> | undefined;

function prepareWriter(): Promise<unknown> {
  writerReady ??= readFile(join(packageFolder('zxing-wasm'), 'dist/writer/zxing_writer.wasm')).then((file) =>
    prepareZXingModule({
      overrides: { wasmBinary: file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) },
      fireImmediately: true,
    }),
  );
  return writerReady;
}

function packageFolder(name: string): string {
  const found = findPackageJSON(name, import.meta.url);
  if (found === undefined) throw new Error(`package ${name} is not installed`);
  return dirname(found);
}
