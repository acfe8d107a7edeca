/** Reads text: where lines are, which way up they are, what they say. */
import { Type } from 'typebox';
import type { TextLine } from '../../../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { Model } from '../../../protocol/generated/vision/v1m0/vision_pb.js';
import type { Quad } from '../../imaging/geometry.ts';
import type { DecodedImage } from '../../inference/decode.ts';
import { type OpenedSession, openSession } from '../../inference/session.ts';
import { type ModelFile, readManifest } from '../../models/manifest.ts';
import { readPinnedFile } from '../../models/pinned-file.ts';
import { checkConfig } from '../config.ts';
import { inReadingOrder } from '../reading-order.ts';
import type { Analyser, OpenOptions } from '../service.ts';
import { detectLines } from './detect.ts';
import { OcrParameters } from './parameters.ts';
import { type ReadLine, readLines, turned, turnUpright, type UprightLine } from './recognise.ts';
import { ocr } from './service.ts';
import { withWordSpaces } from './word-spaces.ts';

const Config = Type.Object(
  {
    /** Lines below this mean confidence are not reported. */
    min_confidence: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  },
  { additionalProperties: false },
);

export async function openOcr(options: OpenOptions): Promise<Analyser<TextLine>> {
  const { models, parameters } = await readManifest(
    ocr.folder,
    ['detection', 'angle', 'recognition', 'characters'],
    OcrParameters,
  );
  const classes = await readClasses(models.characters);
  const blank: DecodedImage = { width: 320, height: 320, data: new Uint8Array(320 * 320 * 3).fill(255) };
  const line = [
    { x: 0, y: 0 },
    { x: 320, y: 0 },
    { x: 320, y: 48 },
    { x: 0, y: 48 },
  ] as const;
  const open = async (model: ModelFile, warmUp: (session: OpenedSession['session']) => Promise<unknown>) =>
    openSession({
      ...options,
      name: model.name,
      content: (await readPinnedFile(model)).content,
      warmUp: async (session) => {
        await warmUp(session);
      },
    });
  const detection = await open(models.detection, (session) => detectLines(session, blank, parameters.detection));
  const angle = await open(models.angle, (session) => turnUpright(session, blank, [line], parameters));
  const recognition = await open(models.recognition, (session) =>
    readLines(session, blank, [line], classes, parameters),
  );
  const used = (model: ModelFile, { provider }: OpenedSession): Model => ({
    name: model.name,
    version: model.version,
    sha256: model.sha256,
    provider,
  });
  const reader = used(models.recognition, recognition);
  return {
    models: [used(models.detection, detection), used(models.angle, angle), reader],
    analyse: async (image, config) => {
      const threshold = checkConfig(Config, config).min_confidence ?? parameters.recognition.scoreThreshold;
      const found = await detectLines(detection.session, image, parameters.detection);
      const upright = await turnUpright(angle.session, image, found, parameters);
      const read = (quads: readonly Quad[]) => readLines(recognition.session, image, quads, classes, parameters);
      const lines = await readBothWaysWhereInDoubt(upright, read, parameters.angle.doubtBelow);
      const results = lines.map((line) => toResult(line, reader, parameters.spaces));
      const kept = results.filter(({ text, confidence }) => {
        const short = [...text].length <= parameters.recognition.shortText;
        return (
          text !== '' && confidence >= (short ? Math.max(threshold, parameters.recognition.shortThreshold) : threshold)
        );
      });
      return inReadingOrder(kept, placeOf).map((result, index) => ({ ...result, index }));
    },
    close: async () => {
      for (const { session } of [detection, angle, recognition]) await session.release();
    },
  };
}

/** The characters of the recognition model's classes from 1: the list, and the space that it leaves out. */
async function readClasses(model: ModelFile): Promise<string[]> {
  const { content } = await readPinnedFile(model);
  return [...new TextDecoder().decode(content).split('\n'), ' '];
}

/**
 * Reads lines, and those the other way up too that were read badly or face against most of the image; the better
 * reading stays. Words such as 'on' or '42 are as' look much the same both ways, and the classifier errs on them.
 */
async function readBothWaysWhereInDoubt(
  upright: readonly UprightLine[],
  read: (quads: readonly Quad[]) => Promise<ReadLine[]>,
  doubtBelow: number,
): Promise<ReadLine[]> {
  const lines = await read(upright.map((line) => line.quad));
  const mostTurned = upright.filter((line) => line.wasTurned).length * 2 > upright.length;
  const doubtful = lines.flatMap((line, index) =>
    confidenceOf(line) < doubtBelow || upright[index]!.wasTurned !== mostTurned ? [index] : [],
  );
  const otherWay = await read(doubtful.map((index) => turned(lines[index]!.quad)));
  for (const [n, index] of doubtful.entries()) {
    if (confidenceOf(otherWay[n]!) > confidenceOf(lines[index]!)) lines[index] = otherWay[n]!;
  }
  return lines;
}

/** Mean over the characters. */
function confidenceOf({ characters }: ReadLine): number {
  if (characters.length === 0) return 0;
  return characters.reduce((total, character) => total + character.confidence, 0) / characters.length;
}

function toResult(line: ReadLine, model: Model, spaces: OcrParameters['spaces']): TextLine {
  const [topLeft, topRight, bottomRight, bottomLeft] = line.quad;
  return {
    imageId: '',
    index: 0,
    label: 'text',
    confidence: confidenceOf(line),
    text: withWordSpaces(line.characters, line.pixels, line.columnsPerStep, spaces),
    quadrilateral: { topLeft, topRight, bottomRight, bottomLeft },
    model,
  };
}

function placeOf({ quadrilateral }: TextLine) {
  const points = [
    quadrilateral!.topLeft!,
    quadrilateral!.topRight!,
    quadrilateral!.bottomRight!,
    quadrilateral!.bottomLeft!,
  ];
  const ys = points.map((point) => point.y);
  return {
    centre: {
      x: points.reduce((sum, point) => sum + point.x, 0) / 4,
      y: points.reduce((sum, point) => sum + point.y, 0) / 4,
    },
    height: Math.max(...ys) - Math.min(...ys),
  };
}
