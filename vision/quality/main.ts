/**
 * Scores the vision services on the labelled set: `npm run quality`, or with `-- --peers` beside rapidocr and OpenCV.
 *
 * The images are written to .cache/quality with labels.json, so that a peer in another language reads the very same
 * files. `--peers` needs Python 3 and the PyPI; peers.py has the details.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import type { LabelledImage } from './labelled-set.ts';
import { labelledSet } from './labelled-set.ts';
import { openServices } from './read-with-services.ts';
import { tables } from './report.ts';
import type { Findings } from './score.ts';

/** One image of the set without its pixels, and what each reader found in it. */
export interface Row extends Omit<LabelledImage, 'pixels'> {
  readonly findings: Readonly<Record<string, Findings>>;
}

const FOLDER = '.cache/quality';

const { values } = parseArgs({
  options: {
    peers: { type: 'boolean', default: false },
    threads: { type: 'string', default: '1' },
    /** Only images whose name contains this. */
    only: { type: 'string', default: '' },
  },
});

await mkdir(FOLDER, { recursive: true });
const services = await openServices(Number(values.threads));
const rows: Row[] = [];
const started = performance.now();
for await (const { pixels, ...image } of labelledSet()) {
  if (!image.name.includes(values.only)) continue;
  const { width, height, data } = pixels;
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 2 })
    .toBuffer();
  if (values.peers) await writeFile(join(FOLDER, `${image.name}.png`), png);
  rows.push({ ...image, findings: { sluice: await services.read(png) } });
  if (process.stderr.isTTY)
    process.stderr.write(`\r${rows.length} images, ${Math.round((performance.now() - started) / 1000)} s `);
}
await services.close();
if (process.stderr.isTTY) process.stderr.write('\n');
await writeFile(join(FOLDER, 'labels.json'), JSON.stringify(rows.map(({ name, group }) => ({ name, group }))));
console.log(tables(values.peers ? await withPeers(rows) : rows));
await writeFile(join(FOLDER, 'rows.json'), JSON.stringify(rows, null, 1));

/** Lets peers.py read the same files in a Python environment of its own. */
async function withPeers(own: readonly Row[]): Promise<Row[]> {
  const python = join('.cache/peers/bin/python');
  if (!existsSync(python)) {
    execFileSync('python3', ['-m', 'venv', '.cache/peers'], { stdio: 'inherit' });
    const install = (...packages: string[]) =>
      execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...packages], { stdio: 'inherit' });
    install(
      'opencv-python-headless==4.12.0.88',
      'onnxruntime',
      'pyclipper',
      'shapely',
      'pyyaml',
      'pillow',
      'tqdm',
      'six',
    );
    // Without its dependencies: it asks for the OpenCV package that needs a display's libraries.
    install('--no-deps', 'rapidocr-onnxruntime==1.4.4');
  }
  execFileSync(python, ['vision/quality/peers.py', FOLDER], { stdio: 'inherit' });
  const found = JSON.parse(await readFile(join(FOLDER, 'peers.json'), 'utf8')) as Record<string, Row['findings']>;
  return own.map((row) => ({ ...row, findings: { ...row.findings, ...found[row.name] } }));
}
