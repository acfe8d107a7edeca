/** Reads text: where lines are, which way up they are, what they say. */
import { Type } from 'typebox';
import type { TextLine } from '../../../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { Model } from '../../../protocol/generated/vision/v1m0/vision_pb.js';
import type { Quad } from '../../imaging/geometry.ts';
import { openModel } from '../../inference/model-session.ts';
import { type ModelFile, parseManifest } from '../../models/manifest.ts';
import { readPinnedFile } from '../../models/pinned-file.ts';
import { checkConfig } from '../config.ts';
import { inReadingOrder } from '../reading-order.ts';
import type { Analyser, OpenOptions } from '../service.ts';
import { partedAtColumns } from './columns.ts';
import { detectionShapes, detectLines } from './detect.ts';
import { inkOfColumns } from './ink.ts';
import { OcrParameters } from './parameters.ts';
import { type ReadLine, readLines, recognitionShapes, turned, turnUpright, type UprightLine } from './recognise.ts';
import { withWordSpaces } from './word-spaces.ts';

const Config = Type.Object(
  {
    /** Lines below this mean confidence are not reported. */
    min_confidence: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  },
  { additionalProperties: false },
);

export async function openOcr(options: OpenOptions): Promise<Analyser<TextLine>> {
  const { models, parameters } = parseManifest(
    options.manifest,
    ['detection', 'angle', 'recognition', 'characters'],
    OcrParameters,
  );
  const classes = await readClasses(models.characters, options.manifest.folder);
  const detection = await openModel(models.detection, {
    ...options,
    shapes: (provider) => detectionShapes(provider, parameters.detection),
  });
  const angle = await openModel(models.angle, {
    ...options,
    shapes: () => [[3, parameters.recognition.height, parameters.angle.width]],
  });
  const recognition = await openModel(models.recognition, {
    ...options,
    shapes: (provider) => recognitionShapes(provider, parameters.recognition),
  });
  const sessions = [detection, angle, recognition];
  return {
    models: sessions.map(({ model }) => model),
    analyse: async (image, config) => {
      const threshold = checkConfig(Config, config).min_confidence ?? parameters.recognition.scoreThreshold;
      const found = await detectLines(detection, image, parameters.detection);
      const upright = await turnUpright(angle, image, found, parameters);
      const read = (quads: readonly Quad[]) => readLines(recognition, image, quads, classes, parameters);
      const lines = await readBothWaysWhereInDoubt(upright, read, parameters.angle.doubtBelow);
      const results = lines
        .filter((line) => isText(line, parameters.recognition))
        .flatMap((line) => {
          const ink = inkOfColumns(line.pixels);
          const parts = partedAtColumns(line, ink, parameters.columns);
          return parts.map((part) => toResult(part, ink, recognition.model, parameters.spaces));
        });
      const kept = results.filter(({ text, confidence }) => text !== '' && confidence >= threshold);
      return inReadingOrder(kept, placeOf).map((result, index) => ({ ...result, index }));
    },
    counts: () => {
      const all = sessions.map((session) => session.counts());
      return {
        runs: all.reduce((sum, { runs }) => sum + runs, 0),
        samples: all.reduce((sum, { samples }) => sum + samples, 0),
      };
    },
    close: async () => {
      for (const session of sessions) await session.release();
    },
  };
}

/** The characters of the recognition model's classes from 1: the list, and the space that it leaves out. */
async function readClasses(model: ModelFile, folder: URL): Promise<string[]> {
  const { content } = await readPinnedFile(model, folder);
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

/** Textures in photographs look like single letters, so what has no more than those must be surer. */
function isText(line: ReadLine, { shortText, shortThreshold }: OcrParameters['recognition']): boolean {
  return line.characters.length > shortText || confidenceOf(line) >= shortThreshold;
}

/** Mean over the characters. */
function confidenceOf({ characters }: ReadLine): number {
  if (characters.length === 0) return 0;
  return characters.reduce((total, character) => total + character.confidence, 0) / characters.length;
}

function toResult(line: ReadLine, ink: Float32Array, model: Model, spaces: OcrParameters['spaces']): TextLine {
  const [topLeft, topRight, bottomRight, bottomLeft] = line.quad;
  return {
    imageId: '',
    index: 0,
    label: 'text',
    confidence: confidenceOf(line),
    text: withWordSpaces(line, ink, spaces),
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
