/** Loads BlazeFace and describes each face that is found in an image. */
import { Type } from 'typebox';
import { type ExtractedFace, LandmarkKind } from '../../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import type { Model } from '../../../protocol/generated/vision/v1m0/vision_pb.js';
import type { Rect } from '../../imaging/geometry.ts';
import type { DecodedImage } from '../../inference/decode.ts';
import { openModel } from '../../inference/model-session.ts';
import { parseManifest } from '../../models/manifest.ts';
import { checkConfig } from '../config.ts';
import type { Analyser, OpenOptions } from '../service.ts';
import type { Detection } from './detections.ts';
import { findFaces } from './find-faces.ts';
import { FaceParameters } from './parameters.ts';

const Config = Type.Object(
  {
    /** Faces below this confidence are not reported. Lower than the default finds more, wrong ones among them. */
    min_confidence: Type.Optional(Type.Number({ minimum: 0.3, maximum: 1 })),
  },
  { additionalProperties: false },
);

const LANDMARKS = [
  LandmarkKind.RIGHT_EYE,
  LandmarkKind.LEFT_EYE,
  LandmarkKind.NOSE_TIP,
  LandmarkKind.MOUTH_CENTRE,
  LandmarkKind.RIGHT_EAR,
  LandmarkKind.LEFT_EAR,
];

export async function openFaceExtract(options: OpenOptions): Promise<Analyser<ExtractedFace>> {
  const { models, parameters } = parseManifest(options.manifest, ['detector'], FaceParameters);
  const side = parameters.inputSize;
  const detector = await openModel(models.detector, { ...options, shapes: () => [[side, side, 3]] });
  const { model } = detector;
  return {
    models: [model],
    analyse: async (image, config) => {
      const threshold = checkConfig(Config, config).min_confidence ?? parameters.scoreThreshold;
      const faces = await findFaces(detector, image, threshold, parameters);
      return faces.map((face, index) => toResult(face, index, image, model));
    },
    counts: () => detector.counts(),
    close: () => detector.release(),
  };
}

function toResult(face: Detection, index: number, image: DecodedImage, model: Model): ExtractedFace {
  return {
    imageId: '',
    index,
    label: 'face',
    confidence: face.score,
    box: clip(face.box, image),
    landmarks: face.points.map((at, i) => ({ kind: LANDMARKS[i]!, at: { ...at } })),
    model,
  };
}

/** The part of a box that lies in the image: a face at the edge has a box that goes on beyond it. */
function clip(box: Rect, image: DecodedImage): Rect {
  const x = Math.max(0, box.x);
  const y = Math.max(0, box.y);
  return {
    x,
    y,
    width: Math.min(image.width, box.x + box.width) - x,
    height: Math.min(image.height, box.y + box.height) - y,
  };
}
