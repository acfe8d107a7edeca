/**
 * The promise of the product: what was answered 202 is described exactly once, however often everything dies.
 *
 * Three clients submit 100 images between them while the one process that runs all roles is killed, with its
 * inference processes, at random moments and started again on the same data.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, test } from 'vitest';
import { readFirehose } from '../harness/firehose-reader.ts';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';
import { ClientProgram } from './client-program.ts';
import { expectExactlyOnce, isComplete } from './exactly-once.ts';

const CLIENTS = ['alice', 'bob', 'carol'];
const IMAGES = 100;
const KILLS = 4;
const READ_TIMEOUT_MS = 240_000;

let data: string;
let sluice: SluiceProcess;

// For each try: it must not find what the first has accepted, nor its process.
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'sluice-kill-'));
});

afterEach(async () => {
  await sluice?.kill().catch(() => {});
  await rm(data, { recursive: true });
});

test('100 images, everything killed at random moments: every result exactly once', { timeout: 900_000 }, async () => {
  const images = await smallSamples();
  const start = () => startSluice(['up', '--data', data, '--port', '0', '--log-level', 'warn']);
  sluice = await start();
  const programs = CLIENTS.map(
    (client) => new ClientProgram(runSluice(['token', '--client', client, '--data', data]).trim()),
  );
  const submissions = programs.map((program, index) =>
    program.submitAll(
      () => sluice.url,
      Array.from({ length: IMAGES }, (_, n) => n)
        .filter((n) => n % programs.length === index)
        .map((n) => ({ transaction: `t${Math.floor(n / 10)}`, image: images[n % images.length]! })),
    ),
  );
  const submitting = Promise.all(submissions);
  // Waited for after the kills; where those fail a submission may be refused by the next try's process.
  submitting.catch(() => {});
  for (let kill = 0; kill < KILLS; kill++) {
    await new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 2500));
    await sluice.kill();
    sluice = await start();
  }
  await submitting;

  for (const program of programs) {
    const messages = await readFirehose(
      sluice.url,
      program.token,
      (seen) => isComplete(seen, program.accepted),
      READ_TIMEOUT_MS,
    );
    expectExactlyOnce(messages, program.accepted);
  }
});

/** Small enough that a hundred of them, several times over, are quick; real enough to give results. */
async function smallSamples(): Promise<Buffer[]> {
  const names = ['astronaut.jpg', 'card.jpg'];
  return Promise.all(
    names.map(async (name) => {
      const sample = await readFile(new URL(`../../vision/samples/${name}`, import.meta.url));
      return sharp(sample).resize(320).jpeg().toBuffer();
    }),
  );
}
