/**
 * The limit that the vision suite compares with: a process that does nothing but decode and infer, one image after the
 * other with the next one being decoded meanwhile. No log, no tokens, no messages, nobody to tell.
 *
 * Started by vision.ts with the service and the threads as arguments; each message is a list of encoded images to go through.
 */
import sharp from 'sharp';
import { type DecodedImage, decodeImage } from '../vision/inference/decode.ts';
import { readManifestSource } from '../vision/models/manifest.ts';
import { loadService } from '../vision/services/registry.ts';

export interface RawRequest {
  readonly images: readonly Uint8Array[];
  /** How often to go through them all. */
  readonly times: number;
}

export interface RawAnswer {
  readonly seconds: number;
  readonly results: number;
}

const [service, threads] = process.argv.slice(2);
sharp.cache(false);
sharp.concurrency(Number(threads));
const loaded = await loadService(service!);
const analyser = await loaded.open({
  threads: Number(threads),
  providers: ['cpu'],
  manifest: await readManifestSource(loaded.folder),
  notice: (message) => process.stderr.write(`${message}\n`),
});
process.on('message', (request: RawRequest) => void answer(request));
process.on('disconnect', () => process.exit(0));
process.send!('ready');

async function answer({ images, times }: RawRequest): Promise<void> {
  const all = Array.from({ length: times }, () => images).flat();
  const started = performance.now();
  let results = 0;
  let next: Promise<DecodedImage> = decodeImage(all[0]!);
  for (let n = 0; n < all.length; n++) {
    const image = await next;
    if (n + 1 < all.length) next = decodeImage(all[n + 1]!);
    results += (await analyser.analyse(image, {})).length;
  }
  process.send!({ seconds: (performance.now() - started) / 1000, results } satisfies RawAnswer);
}
