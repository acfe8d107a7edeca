/** Reads images with this project's own services. */
import type { Barcode } from '../../protocol/generated/barcode/v1m0/barcode_pb.js';
import type { ExtractedFace } from '../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import type { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { type InferenceProcess, startInferenceProcess } from '../inference/inference-process.ts';
import type { Findings } from './score.ts';

export interface Reader {
  read(png: Uint8Array): Promise<Findings>;
  close(): Promise<void>;
}

/** A busy machine must not spoil a score. */
const PATIENCE_MS = 600_000;

/** @param threads of one inference; the three services work at the same time. */
export async function openServices(threads: number): Promise<Reader> {
  const start = (service: string) => startInferenceProcess({ service, threads });
  const services = { face: start('faceextract'), ocr: start('ocr'), barcode: start('barcode') };
  await Promise.all(Object.values(services).map((service) => service.ready()));
  const ask = async (service: InferenceProcess, png: Uint8Array) =>
    (await service.analyse(png, {}, { timeoutMs: PATIENCE_MS })).results;
  return {
    read: async (png) => {
      const [faces, lines, codes] = (await Promise.all([
        ask(services.face, png),
        ask(services.ocr, png),
        ask(services.barcode, png),
      ])) as unknown as [ExtractedFace[], TextLine[], Barcode[]];
      return {
        faces: faces.map((face) => face.box!),
        text: lines.map(({ text, quadrilateral: at }) => ({
          text,
          quad: [at!.topLeft!, at!.topRight!, at!.bottomRight!, at!.bottomLeft!].map(({ x, y }) => [x, y] as const),
        })),
        barcodes: codes.map(({ label, text }) => ({ label, text })),
      };
    },
    close: async () => {
      await Promise.all(Object.values(services).map((service) => service.close()));
    },
  };
}
