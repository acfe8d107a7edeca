/**
 * The main job as a user meets it: the real command, real samples, real models, over HTTP. What comes out is judged by what the
 * samples show (vision/samples/truth.json), not by what came out last time.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../../protocol/frames.ts';
import { rectIou } from '../../vision/imaging/geometry.ts';
import { characterErrorRate } from '../../vision/quality/character-errors.ts';
import { brokenLink, readFirehose } from '../harness/firehose-reader.ts';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

const SAMPLES = new URL('../../vision/samples/', import.meta.url);
const RESULTS_TIMEOUT_MS = 120_000;
const FACE_IOU = 0.4;
const CHARACTER_ERROR_RATE = 0.03;

interface Truth {
  readonly file: string;
  readonly faces: readonly { x: number; y: number; width: number; height: number }[];
  readonly text?: readonly { text: string }[];
  readonly barcodes: readonly { label: string; text: string }[];
}

let data: string;
let sluice: SluiceProcess;
let token: string;
let truths: Truth[];
let messages: Message[];
const imageOf = new Map<string, string>();

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'sluice-main-job-'));
  truths = JSON.parse(await readFile(new URL('truth.json', SAMPLES), 'utf8'));
  sluice = await startSluice(['up', '--data', data, '--port', '0']);
  token = runSluice(['token', '--client', 'main-job', '--data', data]).trim();
  await submitAll();
  messages = await readFirehose(sluice.url, token, hasFullSummary, RESULTS_TIMEOUT_MS);
}, 240_000);

afterAll(async () => {
  await sluice?.kill();
  await rm(data, { recursive: true });
});

/** One multipart request with all samples: one transaction. */
async function submitAll(): Promise<void> {
  const form = new FormData();
  for (const { file } of truths) form.append('image', new Blob([await readFile(new URL(file, SAMPLES))]), file);
  const response = await fetch(`${sluice.url}/v1/transactions/samples/images`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: form,
  });
  const body = (await response.json()) as { images: { image: string; name: string }[] };
  expect(response.status, JSON.stringify(body)).toBe(202);
  for (const { image, name } of body.images) imageOf.set(name, image);
}

function hasFullSummary(seen: readonly Message[]): boolean {
  const { type, payload } = seen.at(-1)!;
  return type === 'summary.v1m0.TransactionSummary' && payload.images.length === truths.length;
}

function resultsOf(file: string, type: string): Message['payload'][] {
  return messages
    .filter((m) => m.type === type && m.payload.imageId === imageOf.get(file))
    .map(({ payload }) => payload);
}

describe('the firehose', () => {
  test('is complete, in order and without repeats', () => {
    expect(messages[0]).toMatchObject({ prev: -1 });
    expect(brokenLink(messages)).toBeUndefined();
    expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
  });

  test('says of every sample which faces, text and codes it shows', () => {
    for (const { file, faces, text, barcodes } of truths) {
      const found = resultsOf(file, 'faceextract.v1m0.ExtractedFace');
      expect(found.length, `faces in ${file}`).toBe(faces.length);
      for (const face of faces)
        expect(Math.max(...found.map(({ box }) => rectIou(box, face))), `face in ${file}`).toBeGreaterThan(FACE_IOU);

      const codes = resultsOf(file, 'barcode.v1m0.Barcode').map((code) => ({ label: code.label, text: code.text }));
      expect(codes.toSorted(byText), `codes in ${file}`).toEqual(
        barcodes.map(({ label, text }) => ({ label, text })).toSorted(byText),
      );

      if (text === undefined || text.length === 0) continue;
      const wanted = text.map((line) => line.text).join('\n');
      const read = resultsOf(file, 'ocr.v1m0.TextLine')
        .map((line) => line.text)
        .join('\n');
      expect(characterErrorRate(read, wanted), `text of ${file}`).toBeLessThan(CHARACTER_ERROR_RATE);
    }
  });

  test('ends with a summary that covers every image', () => {
    const { payload } = messages.at(-1)!;
    expect(payload).toMatchObject({ revision: 1, status: 'STATUS_COMPLETE' });
    expect(payload.images.map((image: { name: string }) => image.name).sort()).toEqual(
      truths.map(({ file }) => file).sort(),
    );
  });

  test('resumes after any offset with exactly what follows', async () => {
    const half = messages[Math.floor(messages.length / 2)]!;
    const response = await fetch(`${sluice.url}/v1/firehose?from=${half.offset}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const wanted = messages.filter(({ offset }) => offset > half.offset).map(({ id }) => id);
    expect(await idsFrom(response, wanted.length)).toEqual(wanted);
  });
});

test('another client sees nothing of it', async () => {
  const other = runSluice(['token', '--client', 'somebody-else', '--data', data]).trim();
  expect(await readFirehose(sluice.url, other, () => true, 1_500)).toEqual([]);
  const state = await fetch(`${sluice.url}/v1/transactions/samples`, { headers: { authorization: `Bearer ${other}` } });
  expect(state.status).toBe(404);
});

test('the journals verify while everything runs', () => {
  const journals = runSluice(['journal', 'verify', '--data', data])
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(journals.flatMap(({ findings }) => findings)).toEqual([]);
  const ofFirehose = journals.filter(({ folder }) => folder.startsWith(join(data, 'firehose')));
  expect(ofFirehose.reduce((sum, { entries }) => sum + entries, 0)).toBe(messages.length);
});

test('wrong usage ends with 2 and says what would be right', async () => {
  const main = new URL('../../sluice.ts', import.meta.url).pathname;
  const run = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args]);
  await expect(run('up', '--prot', '1')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('--port') });
  await expect(run('token', '--client', 'a/b')).rejects.toMatchObject({ code: 2, stdout: '' });
  await expect(run('token', '--client', 'a', '--grant', 'ocr')).rejects.toMatchObject({ code: 2 });
});

let isStopped = false;
test('SIGTERM says goodbye on open firehoses and ends with 0', async () => {
  // Run again, it finds the process of its first run gone.
  if (isStopped) sluice = await startSluice(['up', '--data', data, '--port', '0']);
  const response = await fetch(`${sluice.url}/v1/firehose?from=latest`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const rest = response.text();
  const stopped = sluice.stop();
  // What follows must not try to kill a process that is gone.
  sluice = { ...sluice, kill: async () => {} };
  isStopped = true;
  expect(await stopped).toBe(0);
  const frames = (await rest)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'draining', offset: messages.at(-1)!.offset });
});

function byText(a: { text: string }, b: { text: string }): number {
  return a.text < b.text ? -1 : 1;
}

async function idsFrom(response: Response, count: number): Promise<string[]> {
  const ids: string[] = [];
  let rest = '';
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const frame = JSON.parse(line);
      if (frame.kind === 'message') ids.push(frame.id);
    }
    if (ids.length >= count) break;
  }
  return ids;
}
