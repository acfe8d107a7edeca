/** faceextract 1.0: faces with boxes and landmarks. */
import { ExtractedFace } from '../../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import type { VisionService } from '../service.ts';

export const faceextract: VisionService<ExtractedFace> = {
  name: 'faceextract',
  version: '1.0',
  resultType: ExtractedFace,
  folder: new URL('.', import.meta.url),
  open: async (options) => (await import('./analyser.ts')).openFaceExtract(options),
};
