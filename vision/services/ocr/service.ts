/** ocr 1.0: lines of printed text, with PP-OCRv4. */
import { TextLine } from '../../../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { VisionService } from '../service.ts';

export const ocr: VisionService<TextLine> = {
  name: 'ocr',
  version: '1.0',
  resultType: TextLine,
  folder: new URL('.', import.meta.url),
  open: async (options) => (await import('./analyser.ts')).openOcr(options),
};
