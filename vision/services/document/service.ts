/** document 1.0: the outline of a card or page in an image, and the document seen straight from above. */
import { ExtractedDocument } from '../../../protocol/generated/document/v1m0/document_pb.js';
import type { VisionService } from '../service.ts';

export const document: VisionService<ExtractedDocument> = {
  name: 'document',
  version: '1.0',
  resultType: ExtractedDocument,
  folder: new URL('.', import.meta.url),
  open: async (options) => (await import('./analyser.ts')).openDocument(options),
};
