/** barcode 1.0: linear and matrix codes, read with ZXing-C++ as WebAssembly. */
import { Barcode } from '../../../protocol/generated/barcode/v1m0/barcode_pb.js';
import type { VisionService } from '../service.ts';

export const barcode: VisionService<Barcode> = {
  name: 'barcode',
  version: '1.0',
  resultType: Barcode,
  folder: new URL('.', import.meta.url),
  open: async (options) => (await import('./analyser.ts')).openBarcode(options),
};
