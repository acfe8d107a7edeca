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
import { afterAll, beforeAll, expect, test } from 'vitest';
import { brokenLink, type MessageFrame, readFirehose } from '../harness/firehose-reader.ts';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';
import { ClientProgram } from './client-program.ts';

const CLIENTS = ['alice', 'bob', 'carol'];
const IMAGES = 100;
const KILLS = 4;
const SERVICES = ['barcode', 'faceextract', 'ocr'];
const READ_TIMEOUT_MS = 240_000;

let data: string;
let sluice: SluiceProcess;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'sluice-kill-'));
});

afterAll(async () => {
  await sluice?.kill();
  await rm(data, { recursive: true });
});

test('100 images, everything killed at random moments: every result exactly once', { timeout: 480_000 }, async () => {
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
  for (let kill = 0; kill < KILLS; kill++) {
    await new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 2500));
    await sluice.kill();
    sluice = await start();
  }
  await Promise.all(submissions);

  for (const program of programs) {
    const messages = await readFirehose(
      sluice.url,
      program.token,
      (seen) => isComplete(seen, program.accepted),
      READ_TIMEOUT_MS,
    );
    expect(brokenLink(messages)).toBeUndefined();
    expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
    expectEachImageOnce(messages, program.accepted);
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

function isComplete(messages: readonly MessageFrame[], accepted: ReadonlySet<string>): boolean {
  const latest = messages.filter(({ type }) => type === 'summary.v1m0.TransactionSummary');
  const covered = new Set(
    latest.flatMap(({ payload }) => payload.images.map(({ imageId }: { imageId: string }) => imageId)),
  );
  const completed = messages.filter(({ type }) => type === 'completion.v1m0.ServiceCompleted').length;
  return completed >= accepted.size * SERVICES.length && accepted.isSubsetOf(covered);
}

function expectEachImageOnce(messages: readonly MessageFrame[], accepted: ReadonlySet<string>): void {
  const of = (type: string) => messages.filter((message) => message.type === type);
  const acceptances = of('ingest.v1m0.ImageAccepted').map(({ payload }) => payload.imageId);
  expect(acceptances.length).toBe(new Set(acceptances).size);
  expect(accepted.isSubsetOf(new Set(acceptances))).toBe(true);
  expect(of('completion.v1m0.ServiceFailed')).toEqual([]);
  const completions = of('completion.v1m0.ServiceCompleted');
  const results = messages.filter(({ type }) => /^(faceextract|ocr|barcode)\./.test(type));
  for (const image of accepted) {
    const ours = completions.filter(({ payload }) => payload.imageId === image);
    expect(ours.map(({ payload }) => payload.service).sort()).toEqual(SERVICES);
    for (const { payload } of ours) {
      const found = results.filter(
        (result) => result.type.startsWith(`${payload.service}.`) && result.payload.imageId === image,
      );
      expect(found.map((result) => result.payload.index)).toEqual(Array.from({ length: payload.results }, (_, n) => n));
    }
  }
}
