/** Going over to another model while images come in: nothing is lost, nothing fails, and nothing is analysed twice. */
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { payloadOf } from '../protocol/envelope.ts';
import { ServiceCompleted } from '../protocol/generated/completion/v1m0/completion_pb.js';
import { INGEST_TOPIC, RESULTS_TOPIC } from '../protocol/log/topics.ts';
import type { RunningRole } from '../protocol/role.ts';
import { barcode } from './services/barcode/service.ts';
import { drained, eventsOf, mint, submit, until } from './testing/bench.ts';
import { rolesForEachTest } from './testing/roles.ts';

const GROUP = 'vision-barcode-1.0';
const vision = rolesForEachTest();

/** Puts a manifest, and the file that it names, into the folder of models, as docs/models.md says. */
async function install(modelVersion: string, change: (manifest: { name: string }) => void = () => {}): Promise<void> {
  const folder = join(vision.bench.folder, 'models', 'barcode-1.0');
  await mkdir(folder, { recursive: true });
  const manifest = JSON.parse(await readFile(new URL('manifest.json', barcode.folder), 'utf8'));
  const { reader } = manifest.models;
  const file = `reader-${modelVersion}.wasm`;
  await copyFile(join(dirname(findPackageJSON(reader.package, import.meta.url)!), reader.file), join(folder, file));
  delete reader.package;
  manifest.models.reader = { ...reader, file, version: modelVersion };
  change(manifest);
  await writeFile(join(folder, 'manifest.new'), JSON.stringify(manifest));
  await rename(join(folder, 'manifest.new'), join(folder, 'manifest.json'));
}

async function start(): Promise<RunningRole> {
  const models = { folder: join(vision.bench.folder, 'models'), lookEveryMs: 20 };
  const [role] = await vision.start(['barcode'], { models });
  await until(() => role!.readiness().ready);
  return role!;
}

const inUse = (version: string) => async () =>
  (await vision.metrics.metrics()).includes(
    `sluice_vision_model_info{service="barcode",version="1.0",model="zxing-cpp",model_version="${version}"`,
  );

test('images under way are answered by the old model, those after by the new one, each once', async () => {
  await start();
  const { bench } = vision;
  const token = await mint(bench, 'alice', { 'barcode-*': {} });
  const bytes = await readFile(new URL('./samples/card.jpg', import.meta.url));
  const submitted: string[] = [];
  const post = async () =>
    submitted.push(await submit(bench, { client: 'alice', transaction: `t${submitted.length % 4}`, token, bytes }));
  for (let n = 0; n < 5; n++) await post();
  await install('9.9.9');
  // Load goes on until the new model is in use, however long warming it up takes here: always a few images wait.
  const changed = inUse('9.9.9');
  const waiting = async () => (await bench.log.lag(GROUP, INGEST_TOPIC)).reduce((sum, { lag }) => sum + lag, 0);
  while (!(await changed())) {
    await post();
    await until(async () => (await waiting()) < 6);
  }
  for (let n = 0; n < 5; n++) await post();
  await drained(bench.log, GROUP, INGEST_TOPIC);

  const markers = (await eventsOf(bench.log, RESULTS_TOPIC))
    .filter(({ type }) => type !== 'ingest.v1m0.ImageAccepted' && !type.startsWith('barcode.'))
    .map((event) => payloadOf(event, ServiceCompleted));
  expect(markers.map(({ imageId }) => imageId).sort()).toEqual(submitted.toSorted());
  expect(markers.every(({ results }) => results === 2)).toBe(true);
  const versions = new Map(markers.map(({ imageId, models }) => [imageId, models[0]!.version]));
  expect(versions.get(submitted[0]!)).toBe('3.1.4');
  expect(versions.get(submitted.at(-1)!)).toBe('9.9.9');
  expect(await inUse('3.1.4')()).toBe(false);
});

test('a manifest that cannot be used changes nothing; one that is mended is taken, and SIGHUP looks at once', async () => {
  await install('1.0.0');
  const role = await start();
  const { bench } = vision;
  expect(await inUse('1.0.0')()).toBe(true);
  await install('2.0.0', (manifest) => {
    manifest.name = 'ocr';
  });
  await install('2.0.1', (manifest) => Object.assign(manifest, { unknown: true }));
  const token = await mint(bench, 'alice', { 'barcode-*': {} });
  const bytes = await readFile(new URL('./samples/card.jpg', import.meta.url));
  await submit(bench, { client: 'alice', transaction: 't', token, bytes });
  await drained(bench.log, GROUP, INGEST_TOPIC);
  expect(role.readiness().ready).toBe(true);
  expect(await inUse('1.0.0')()).toBe(true);
  await install('2.0.2');
  process.kill(process.pid, 'SIGHUP');
  await until(inUse('2.0.2'));
});

test("another service's manifest is refused at the start", async () => {
  await install('1.0.0', (manifest) => {
    manifest.name = 'ocr';
  });
  await expect(start()).rejects.toThrow('is of ocr 1.0, not of barcode 1.0');
});
