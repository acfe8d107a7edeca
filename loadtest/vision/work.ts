/** What the vision suite works on. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Of one inference, in the service and in the raw loop alike. */
export const THREADS = availableParallelism();
const SAMPLES = ['astronaut.jpg', 'card.jpg', 'cat.jpg', 'coffee.jpg', 'page.png', 'photographer.jpg', 'rocket.jpg'];
/** How many times to go through the samples for one measurement. */
const PASSES: Readonly<Record<string, number>> = { faceextract: 20, barcode: 3, ocr: 3 };

/** The sample images, encoded. */
export function samples(): Uint8Array[] {
  return SAMPLES.map((file) => readFileSync(new URL(`../../vision/samples/${file}`, import.meta.url)));
}

export function passesOf(service: string, scale: number): number {
  return Math.max(1, Math.round(PASSES[service]! * scale));
}

/** The samples as often as one measurement needs them. */
export function imagesFor(service: string, scale: number): Uint8Array[] {
  return Array.from({ length: passesOf(service, scale) }, samples).flat();
}
