/** Finds a document in an image by its outline and shows it from straight above. */
import sharp from 'sharp';
import { Type } from 'typebox';
import type { ExtractedDocument } from '../../../protocol/generated/document/v1m0/document_pb.js';
import { distance, type Quad } from '../../imaging/geometry.ts';
import { cutOut } from '../../imaging/warp.ts';
import type { DecodedImage } from '../../inference/decode.ts';
import { openModel } from '../../inference/model-session.ts';
import { parseManifest } from '../../models/manifest.ts';
import { checkConfig } from '../config.ts';
import type { Analyser, OpenOptions } from '../service.ts';
import { findSegments } from './lines.ts';
import { findOutline } from './outline.ts';

const Parameters = Type.Object({
  inputSize: Type.Integer(),
  lineThreshold: Type.Number(),
  /** Shortest line that counts, in parts of the image's diagonal. */
  minLineShare: Type.Number(),
  outline: Type.Object({
    maxLines: Type.Integer(),
    sameAngle: Type.Number(),
    sameDistance: Type.Number(),
    minAreaShare: Type.Number(),
    maxOutside: Type.Number(),
  }),
  /** Share of the outline that must have been seen. */
  scoreThreshold: Type.Number(),
  /** Longest side of the crop in pixels. */
  cropSide: Type.Integer(),
  cropQuality: Type.Integer(),
});

const Config = Type.Object(
  {
    min_confidence: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    /** Longest side of the crop in pixels. */
    crop_side: Type.Optional(Type.Integer({ minimum: 64, maximum: 2000 })),
  },
  { additionalProperties: false },
);

export async function openDocument(options: OpenOptions): Promise<Analyser<ExtractedDocument>> {
  const { models, parameters } = parseManifest(options.manifest, ['lines'], Parameters);
  const side = parameters.inputSize;
  const lines = await openModel(models.lines, { ...options, shapes: () => [[side, side, 4]] });
  const { model } = lines;
  return {
    models: [model],
    analyse: async (image, config) => {
      const { min_confidence = parameters.scoreThreshold, crop_side = parameters.cropSide } = checkConfig(
        Config,
        config,
      );
      const segments = await findSegments(lines, image, parameters.inputSize, parameters.lineThreshold);
      const shortest = parameters.minLineShare * Math.hypot(image.width, image.height);
      const long = segments.filter(({ from, to }) => distance(from, to) >= shortest);
      const outline = findOutline(long, image.width, image.height, parameters.outline);
      if (outline === undefined || outline.seen < min_confidence) return [];
      const [topLeft, topRight, bottomRight, bottomLeft] = outline.quad;
      return [
        {
          imageId: '',
          index: 0,
          label: 'document',
          confidence: outline.seen,
          quadrilateral: { topLeft, topRight, bottomRight, bottomLeft },
          crop: await cropOf(image, outline.quad, crop_side, parameters.cropQuality),
          model,
        },
      ];
    },
    counts: () => lines.counts(),
    close: () => lines.release(),
  };
}

/** The document in the proportions of its mean sides, as JPEG. */
async function cropOf(
  image: DecodedImage,
  quad: Quad,
  longestSide: number,
  quality: number,
): Promise<NonNullable<ExtractedDocument['crop']>> {
  const across = (distance(quad[0], quad[1]) + distance(quad[3], quad[2])) / 2;
  const down = (distance(quad[1], quad[2]) + distance(quad[0], quad[3])) / 2;
  const scale = Math.min(1, longestSide / Math.max(across, down));
  const width = Math.max(1, Math.round(across * scale));
  const height = Math.max(1, Math.round(down * scale));
  const { data } = cutOut(image, quad, width, height);
  const content = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
  return { mediaType: 'image/jpeg', width, height, content };
}
