/** document 1.1: as 1.0, found with the larger model, and with the document's proportions and format. */
import { ExtractedDocument } from '../../../../protocol/generated/document/v1m1/document_pb.js';
import type { VisionService } from '../../service.ts';

export const document1m1: VisionService<ExtractedDocument> = {
  name: 'document',
  version: '1.1',
  resultType: ExtractedDocument,
  folder: new URL('.', import.meta.url),
  open: async (options) => (await import('./analyser.ts')).openDocument1m1(options),
};
