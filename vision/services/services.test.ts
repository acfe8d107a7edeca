/** What the services see in the samples, compared with what the samples show. Through the child process, as in earnest. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Barcode } from '../../protocol/generated/barcode/v1m0/barcode_pb.js';
import type { ExtractedDocument } from '../../protocol/generated/document/v1m0/document_pb.js';
import type { ExtractedDocument as ExtractedDocument1m1 } from '../../protocol/generated/document/v1m1/document_pb.js';
import type { ExtractedFace } from '../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import type { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { seeded } from '../../protocol/seeded-random.ts';
import { distance, type Rect, rectIou } from '../imaging/geometry.ts';
import { decodeImage } from '../inference/decode.ts';
import { type Analysis, type InferenceProcess, startInferenceProcess } from '../inference/inference-process.ts';
import { characterErrorRate } from '../quality/character-errors.ts';
import { CONDITIONS } from '../quality/conditions.ts';
import { NO_LABELS } from '../quality/labelled-image.ts';
import { DESK_QUAD, drawDesk } from './document/desk.fixture.ts';
import { loadService, SERVICE_NAMES } from './registry.ts';

interface Truth {
  readonly file: string;
  readonly faces?: readonly Rect[];
  readonly text?: readonly { readonly text: string; readonly box: Rect }[];
  readonly barcodes?: readonly { readonly label: string; readonly text: string; readonly box: Rect }[];
}
const samples = new URL('../samples/', import.meta.url);
const truths = JSON.parse(readFileSync(new URL('truth.json', samples), 'utf8')) as Truth[];
const truthOf = (file: string) => truths.find((truth) => truth.file === file)!;

let desk: Buffer;

const processes = new Map<string, InferenceProcess>();
const analyse = (service: string, file: string, config = {}): Promise<Analysis> =>
  processes.get(service)!.analyse(file === 'desk' ? desk : readFileSync(new URL(file, samples)), config);
/** An image in which the service finds something. */
const subjectOf = (service: string) => (service.startsWith('document') ? 'desk' : 'card.jpg');

beforeAll(async () => {
  desk = await drawDesk();
  for (const service of SERVICE_NAMES) processes.set(service, startInferenceProcess({ service, threads: 1 }));
  await Promise.all([...processes.values()].map((process) => process.ready()));
}, 300_000);
afterAll(async () => {
  await Promise.all([...processes.values()].map((process) => process.close()));
});

describe('faceextract', () => {
  test.each(truths.filter((truth) => truth.faces !== undefined).map((truth) => [truth.file, truth.faces!]))(
    'finds the faces of %s and no others',
    async (file, faces) => {
      const found = (await analyse('faceextract', file)).results as ExtractedFace[];
      expect(found).toHaveLength(faces.length);
      for (const face of faces) expect(Math.max(...found.map((f) => rectIou(f.box!, face)))).toBeGreaterThan(0.5);
    },
  );

  test("names the landmarks from the person's own side", async () => {
    const [face] = (await analyse('faceextract', 'astronaut.jpg')).results as ExtractedFace[];
    const [rightEye, leftEye, nose, mouth] = face!.landmarks.map((landmark) => landmark.at!);
    expect(rightEye!.x).toBeLessThan(nose!.x);
    expect(leftEye!.x).toBeGreaterThan(nose!.x);
    expect(mouth!.y).toBeGreaterThan(nose!.y);
    expect(nose!.y).toBeGreaterThan(rightEye!.y);
  });

  test('finds a face behind strong noise', async () => {
    const pixels = await decodeImage(readFileSync(new URL('astronaut.jpg', samples)));
    const noisy = await CONDITIONS.find(({ name }) => name === 'noise 50')!.apply(
      { pixels, labels: NO_LABELS },
      seeded(1),
    );
    const { width, height, data } = noisy.pixels;
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const [face, ...others] = (await processes.get('faceextract')!.analyse(png, {})).results as ExtractedFace[];
    expect(others).toEqual([]);
    expect(rectIou(face!.box!, truthOf('astronaut.jpg').faces![0]!)).toBeGreaterThan(0.5);
  });

  test('keeps to the confidence that its configuration asks for', async () => {
    expect((await analyse('faceextract', 'astronaut.jpg', { min_confidence: 0.99 })).results).toEqual([]);
  });
});

describe('ocr', () => {
  test.each([
    ['page.png', 0.02],
    ['card.jpg', 0.02],
  ])('reads %s with a character error rate below %d', async (file, limit) => {
    const written = truthOf(file).text!.map((line) => line.text);
    const found = (await analyse('ocr', file)).results as TextLine[];
    expect(characterErrorRate(found.map((line) => line.text).join('\n'), written.join('\n'))).toBeLessThan(limit);
  });

  test('puts each quadrilateral around its line, beginning at the top left', async () => {
    const found = (await analyse('ocr', 'page.png')).results as TextLine[];
    for (const line of truthOf('page.png').text!) {
      const read = found.find((candidate) => characterErrorRate(candidate.text, line.text) < 0.1)!;
      expect(rectIou(boundsOf(read), line.box)).toBeGreaterThan(0.6);
      expect(read.quadrilateral!.topLeft!.x).toBeLessThan(read.quadrilateral!.topRight!.x);
      expect(read.quadrilateral!.topLeft!.y).toBeLessThan(read.quadrilateral!.bottomLeft!.y);
    }
  });

  test('finds no text in a photograph without any', async () => {
    expect((await analyse('ocr', 'coffee.jpg')).results).toEqual([]);
  });
});

describe('barcode', () => {
  test.each(truths.filter((truth) => truth.barcodes !== undefined).map((truth) => [truth.file, truth.barcodes!]))(
    'reads exactly the codes of %s',
    async (file, barcodes) => {
      const found = (await analyse('barcode', file)).results as Barcode[];
      const read = found.map(({ label, text }) => ({ label, text }));
      expect(new Set(read)).toEqual(new Set(barcodes.map(({ label, text }) => ({ label, text }))));
      for (const code of barcodes) {
        const at = found.find((candidate) => candidate.text === code.text)!;
        expect(rectIou(boundsOf(at), code.box)).toBeGreaterThan(0.5);
        expect(new TextDecoder().decode(at.raw)).toBe(code.text);
      }
    },
  );

  test('searches only for the formats that its configuration names', async () => {
    const found = (await analyse('barcode', 'card.jpg', { formats: ['QRCode'] })).results as Barcode[];
    expect(found.map((code) => code.label)).toEqual(['QRCode']);
  });
});

describe.each([['document'], ['document-1.1']])('%s', (service) => {
  test('finds the outline of a card on a table', async () => {
    const [found, ...others] = (await analyse(service, 'desk')).results as ExtractedDocument[];
    expect(others).toEqual([]);
    const { topLeft, topRight, bottomRight, bottomLeft } = found!.quadrilateral!;
    for (const [index, corner] of [topLeft!, topRight!, bottomRight!, bottomLeft!].entries()) {
      expect(distance(corner, DESK_QUAD[index]!)).toBeLessThan(12);
    }
  });

  test('gives a crop from which the text can be read as from the card itself', async () => {
    const [found] = (await analyse(service, 'desk')).results as ExtractedDocument[];
    const { content, width, height, mediaType } = found!.crop!;
    expect(mediaType).toBe('image/jpeg');
    expect(await decodeImage(content)).toMatchObject({ width, height });
    const lines = (await processes.get('ocr')!.analyse(content, {})).results as TextLine[];
    const written = truthOf('card.jpg').text!.map((line) => line.text);
    expect(characterErrorRate(lines.map((line) => line.text).join('\n'), written.join('\n'))).toBeLessThan(0.1);
  });

  test.each(['cat.jpg', 'coffee.jpg', 'rocket.jpg', 'page.png', 'card.jpg'])('finds none in %s', async (file) => {
    expect((await analyse(service, file)).results).toEqual([]);
  });
});

test('document 1.1 says which format a card has', async () => {
  const [found] = (await analyse('document-1.1', 'desk')).results as ExtractedDocument1m1[];
  expect(found).toMatchObject({ format: 'ID-1', label: 'document' });
  expect(found!.aspectRatio).toBeCloseTo(1.586, 1);
});

describe.each(SERVICE_NAMES.map((name) => [name]))('every service: %s', (name) => {
  test('gives the same bytes for the same image', async () => {
    const { resultType } = await loadService(name);
    const bytes = async () => (await analyse(name, subjectOf(name))).results.map((r) => resultType.toBinary(r));
    const first = await bytes();
    expect(first.length).toBeGreaterThan(0);
    expect(await bytes()).toEqual(first);
  });

  test('says which model computed each result', async () => {
    const { results, models } = await analyse(name, subjectOf(name));
    for (const { model } of results) expect(models).toContainEqual(model);
    expect(results[0]!.model!.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('refuses a configuration that it does not know', async () => {
    await expect(analyse(name, subjectOf(name), { unheard_of: true })).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });

  test('has its models in docs/models.md as they are pinned', async () => {
    const { folder, name: service } = await loadService(name);
    const { models } = JSON.parse(readFileSync(new URL('manifest.json', folder), 'utf8')) as {
      models: Record<string, { name: string; version: string; package: string; sha256: string; licence: string }>;
    };
    const lines = readFileSync(new URL('../../docs/models.md', import.meta.url), 'utf8').split('\n');
    for (const model of Object.values(models)) {
      const line = lines.find((candidate) => candidate.startsWith(`| ${service} | \`${model.name}\` |`));
      expect(line).toContain(`\`${model.package}\` ${model.version}`);
      expect(line).toContain(`\`${model.sha256}\` | ${model.licence} |`);
    }
  });

  test('is listed under its own name and version', async () => {
    const service = await loadService(name);
    const manifest = JSON.parse(readFileSync(new URL('manifest.json', service.folder), 'utf8'));
    expect([manifest.name, manifest.version]).toEqual([service.name, service.version]);
    expect(service.resultType.typeName).toContain(`${service.name}.v${service.version.replace('.', 'm')}.`);
  });
});

/** The upright rectangle around a quadrilateral. */
function boundsOf({ quadrilateral }: TextLine | Barcode): Rect {
  const { topLeft, topRight, bottomRight, bottomLeft } = quadrilateral!;
  const xs = [topLeft!.x, topRight!.x, bottomRight!.x, bottomLeft!.x];
  const ys = [topLeft!.y, topRight!.y, bottomRight!.y, bottomLeft!.y];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}
