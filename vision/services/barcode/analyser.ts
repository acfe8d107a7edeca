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
import { resizeToRgba } from '../../imaging/resize.ts';
import type { DecodedImage } from '../../inference/decode.ts';
import { ConfigInvalid } from '../../inference/errors.ts';
import { readManifest } from '../../models/manifest.ts';
import { readPinnedFile } from '../../models/pinned-file.ts';
import { checkConfig } from '../config.ts';
import { inReadingOrder } from '../reading-order.ts';
import type { Analyser, OpenOptions } from '../service.ts';
import { barcode } from './service.ts';

const Parameters = Type.Object({
  /** Larger images are scaled down to this before they are searched: the reader's memory never shrinks again. */
  maxPixels: Type.Integer(),
  /** Images below so many pixels in which nothing was found are searched again, enlarged. */
  enlargeBelow: Type.Integer(),
  enlargeBy: Type.Number(),
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

/** Variants that say only which edition of a symbology it is. */
const SYMBOLOGY: Readonly<Record<string, string>> = {
  QRCodeModel1: 'QRCode',
  QRCodeModel2: 'QRCode',
  AztecCode: 'Aztec',
  Code39Std: 'Code39',
  Code39Ext: 'Code39',
  DataBarOmni: 'DataBar',
};

export async function openBarcode(_options: OpenOptions): Promise<Analyser<Barcode>> {
  const { models, parameters } = await readManifest(barcode.folder, ['reader'], Parameters);
  const { reader } = models;
  const { content } = await readPinnedFile(reader);
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
  const found = await read(image, Math.min(1, Math.sqrt(parameters.maxPixels / pixels)), formats);
  if (found.length > 0 || pixels >= parameters.enlargeBelow) return found;
  return read(image, parameters.enlargeBy, formats);
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
    if (/format/i.test(String(error)))
      throw new ConfigInvalid(`formats: ${error instanceof Error ? error.message : error}`);
    throw error;
  });
  const valid = results.filter((result) => result.isValid);
  const factor = { x: image.width / width, y: image.height / height };
  const scaled = valid.map((result) => ({ ...result, position: rescale(result.position, factor) }));
  return inReadingOrder(scaled, ({ position: { topLeft, bottomRight } }) => ({
    centre: { x: (topLeft.x + bottomRight.x) / 2, y: (topLeft.y + bottomRight.y) / 2 },
    height: Math.abs(bottomRight.y - topLeft.y),
  }));
}

function rescale(position: ReadResult['position'], factor: { x: number; y: number }): ReadResult['position'] {
  const scale = ({ x, y }: { x: number; y: number }) => ({ x: x * factor.x, y: y * factor.y });
  return {
    topLeft: scale(position.topLeft),
    topRight: scale(position.topRight),
    bottomRight: scale(position.bottomRight),
    bottomLeft: scale(position.bottomLeft),
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
