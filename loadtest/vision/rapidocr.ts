/** The peer of ocr: rapidocr-onnxruntime, which carries the same PP-OCRv4 models, behind an HTTP server of Python's own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { atMost } from '../../vision/inference/at-most.ts';
import { cpuSeconds } from '../processor-time.ts';
import { type BenchContext, type OpenVariant, VariantUnavailable } from '../suite.ts';
import { imagesFor, THREADS } from './work.ts';

const PYTHON = '.cache/peers/bin/python';
const SERVER = fileURLToPath(new URL('./rapidocr-server.py', import.meta.url));

/** @throws VariantUnavailable where the peers' Python environment is not installed */
export async function openRapidocr({ scale }: BenchContext): Promise<OpenVariant> {
  if (!existsSync(PYTHON))
    throw new VariantUnavailable("rapidocr is not installed: 'npm run quality -- --peers' does it");
  const server = spawn(PYTHON, [SERVER, String(THREADS)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  const url = `http://127.0.0.1:${line.toString().trim()}/`;
  const images = imagesFor('ocr', scale);
  const read = async (bytes: Uint8Array): Promise<number> => {
    const answer = await fetch(url, { method: 'POST', body: Buffer.from(bytes) });
    if (!answer.ok) throw new Error(`rapidocr answered ${answer.status}`);
    return ((await answer.json()) as string[]).length;
  };
  return {
    async measure() {
      const cpuBefore = cpuSeconds(server.pid!);
      const started = performance.now();
      // One is read while the next has arrived.
      const lines = await atMost(2, images, read);
      const seconds = (performance.now() - started) / 1000;
      if (lines.every((count) => count === 0)) throw new Error('rapidocr read nothing');
      const cpu = cpuSeconds(server.pid!) - cpuBefore;
      return { value: images.length / seconds, also: { cpu_ms_per_image: (cpu * 1000) / images.length } };
    },
    async close() {
      const exited = once(server, 'exit');
      server.kill();
      await exited;
    },
  };
}
