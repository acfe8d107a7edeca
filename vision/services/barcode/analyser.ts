/// <reference types="zxing-wasm/imageData" />
/**
 * Reads barcodes with ZXing-C++.
 *
 * Formats without a checksum of their own (Codabar, plain ITF) read codes into printed text, so they are searched
 * only when the configuration names them.
 */
import { type Static, Type } from 'typebox';
import { prepareZXingModule, type ReaderOptions, type ReadResult, readBarcodes } from 'zxing-wasm/reader';
import type { Barcode } from '../../../protocol/generated/barcode/v1m0/barcode_pb.js';
import type { Model } from '../../../protocol/generated/vision/v1m0/vision_pb.js';
import { distance, type Point } from '../../imaging/geometry.ts';
import { resize, resizeToRgba } from '../../imaging/resize.ts';
import { cutOut, project, squareToQuad } from '../../imaging/warp.ts';
import type { DecodedImage } from '../../inference/decode.ts';
import { ConfigInvalid } from '../../inference/errors.ts';
import { parseManifest } from '../../models/manifest.ts';
import { readPinnedFile } from '../../models/pinned-file.ts';
import { checkConfig } from '../config.ts';
import { inReadingOrder } from '../reading-order.ts';
import type { Analyser, OpenOptions } from '../service.ts';
import { stripedAreas } from './stripes.ts';

const Parameters = Type.Object({
  /** Larger images are scaled down to this before they are searched: the reader's memory never shrinks again. */
  maxPixels: Type.Integer(),
  /** Images below so many pixels in which nothing was found are searched again, enlarged. */
  enlargeBelow: Type.Integer(),
  enlargeBy: Type.Number(),
  /** See stripes.ts. */
  stripes: Type.Object({
    /** Stripes are searched in the image scaled down to this side. */
    side: Type.Integer(),
    block: Type.Integer(),
    minEnergy: Type.Number(),
    minCoherence: Type.Number(),
    minBlocks: Type.Integer(),
    maxAreas: Type.Integer(),
    /** Of an area when it is looked at closely. */
    maxWidth: Type.Integer(),
  }),
  formats: Type.Array(Type.String()),
});
type Parameters = Static<typeof Parameters>;

const Config = Type.Object(
  {
    /** Names of formats as zxing-wasm spells them, instead of the manifest's. */
    formats: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 64 })),
  },
  { additionalProperties: false },
);

/** Rows of an area when it is looked at closely: enough that several scan lines agree. */
const STRIP_HEIGHT = 24;

/** Variants that say only which edition of a symbology it is. */
const SYMBOLOGY: Readonly<Record<string, string>> = {
  QRCodeModel1: 'QRCode',
  QRCodeModel2: 'QRCode',
  AztecCode: 'Aztec',
  Code39Std: 'Code39',
  Code39Ext: 'Code39',
  DataBarOmni: 'DataBar',
};

export async function openBarcode({ manifest }: OpenOptions): Promise<Analyser<Barcode>> {
  const { models, parameters } = parseManifest(manifest, ['reader'], Parameters);
  const { reader } = models;
  const { content } = await readPinnedFile(reader, manifest.folder);
  // Without this the package would fetch the binary from a server.
  const wasmBinary = content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength);
  await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
  const model: Model = { name: reader.name, version: reader.version, sha256: reader.sha256, provider: 'wasm' };
  return {
    models: [model],
    analyse: async (image, config) => {
      const formats = checkConfig(Config, config).formats ?? parameters.formats;
      const found = await search(image, formats, parameters);
      return found.map((result, index) => toResult(result, index, model));
    },
    close: async () => {},
  };
}

async function search(image: DecodedImage, formats: readonly string[], parameters: Parameters): Promise<ReadResult[]> {
  const pixels = image.width * image.height;
  let found = await read(image, Math.min(1, Math.sqrt(parameters.maxPixels / pixels)), formats);
  if (found.length === 0 && pixels < parameters.enlargeBelow) found = await read(image, parameters.enlargeBy, formats);
  found.push(...(await lookAtStripes(image, found, formats, parameters)));
  return inReadingOrder(found, ({ position }) => {
    const points = Object.values(position);
    const ys = points.map((point) => point.y);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      centre: { x: mean(points.map((point) => point.x)), y: mean(ys) },
      height: Math.max(...ys) - Math.min(...ys),
    };
  });
}

/** Reads the codes of an image scaled by `scale`; positions are in pixels of the image itself. */
async function read(image: DecodedImage, scale: number, formats: readonly string[]): Promise<ReadResult[]> {
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const data = new Uint8ClampedArray(await resizeToRgba(image, width, height));
  const options: ReaderOptions = {
    // zxing-wasm types its names as literals; it checks them itself, below.
    formats: formats as NonNullable<ReaderOptions['formats']>,
    tryHarder: true,
    tryDenoise: true,
    textMode: 'Plain',
  };
  const results = await readBarcodes({ data, width, height }, options).catch((error) => {
    if (/format/i.test(String(error))) {
      throw new ConfigInvalid(`formats: ${error instanceof Error ? error.message : error}`);
    }
    throw error;
  });
  const [fx, fy] = [image.width / width, image.height / height];
  return results
    .filter((result) => result.isValid)
    .map((result) => ({ ...result, position: move(result.position, ({ x, y }) => ({ x: x * fx, y: y * fy })) }));
}

/**
 * A closer look at striped areas in which no code was read: cut out upright, twice as large along the code, and
 * averaged along the bars, which takes most of the noise away.
 */
async function lookAtStripes(
  image: DecodedImage,
  found: readonly ReadResult[],
  formats: readonly string[],
  { stripes }: Parameters,
): Promise<ReadResult[]> {
  const scale = Math.min(1, stripes.side / Math.max(image.width, image.height));
  const small = await resize(image, Math.round(image.width * scale) || 1, Math.round(image.height * scale) || 1);
  const more: ReadResult[] = [];
  for (const area of stripedAreas(small, stripes)) {
    const [a, b, c, d] = area.map(({ x, y }) => ({ x: x / scale, y: y / scale })) as [Point, Point, Point, Point];
    const centre = { x: (a.x + c.x) / 2, y: (a.y + c.y) / 2 };
    if ([...found, ...more].some((result) => contains(result.position, centre))) continue;
    const width = Math.min(stripes.maxWidth, Math.round(distance(a, b) * 2));
    const strip = cutOut(image, [a, b, c, d], width, STRIP_HEIGHT);
    const map = squareToQuad([a, b, c, d]);
    for (const result of await read(strip, 1, formats)) {
      const position = move(result.position, ({ x, y }) => project(map, x / width, y / STRIP_HEIGHT));
      more.push({ ...result, position });
    }
  }
  return more;
}

function contains(position: ReadResult['position'], point: Point): boolean {
  const { topLeft, topRight, bottomRight, bottomLeft } = position;
  const corners = [topLeft, topRight, bottomRight, bottomLeft];
  const sides = corners.map((from, index) => {
    const to = corners[(index + 1) % 4]!;
    return (to.x - from.x) * (point.y - from.y) - (to.y - from.y) * (point.x - from.x);
  });
  return sides.every((side) => side >= 0) || sides.every((side) => side <= 0);
}

function move(position: ReadResult['position'], to: (point: Point) => Point): ReadResult['position'] {
  return {
    topLeft: to(position.topLeft),
    topRight: to(position.topRight),
    bottomRight: to(position.bottomRight),
    bottomLeft: to(position.bottomLeft),
  };
}

function toResult(result: ReadResult, index: number, model: Model): Barcode {
  return {
    imageId: '',
    index,
    label: SYMBOLOGY[result.format] ?? result.format,
    confidence: 1,
    text: result.text,
    raw: result.bytes,
    quadrilateral: { ...result.position },
    model,
  };
}
