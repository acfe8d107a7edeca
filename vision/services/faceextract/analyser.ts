/**
 * Finds faces with BlazeFace: search, then a closer look.
 *
 * One pass is not enough to tell a face from what merely resembles one: at any threshold that keeps real faces, a
 * cat and a coffee cup pass too. A real face, though, is recognised at every magnification, and a resemblance is
 * not. So whatever the search finds is looked at again in close-ups of several sizes, and the mean score of those
 * is the confidence. docs/models.md has the measurements.
 */
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { type Static, Type } from 'typebox';
import { type ExtractedFace, LandmarkKind } from '../../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import type { Model } from '../../../protocol/generated/vision/v1m0/vision_pb.js';
import { type Rect, rectIou } from '../../imaging/geometry.ts';
import { squareView } from '../../imaging/resize.ts';
import type { DecodedImage } from '../../inference/decode.ts';
import { openSession } from '../../inference/session.ts';
import { readManifest } from '../../models/manifest.ts';
import { readPinnedFile } from '../../models/pinned-file.ts';
import { checkConfig } from '../config.ts';
import type { Analyser, OpenOptions } from '../service.ts';
import { blend, type Detection, readGrid } from './detections.ts';
import { faceextract } from './service.ts';
import { type Region, searchRegions } from './views.ts';

const Parameters = Type.Object({
  inputSize: Type.Integer(),
  anchors: Type.Array(Type.Object({ cells: Type.Integer(), perCell: Type.Integer() }), { minItems: 2, maxItems: 2 }),
  /** Score from which the search passes a detection on. */
  candidateThreshold: Type.Number(),
  /** Intersection over union from which two detections are the same face. */
  overlapThreshold: Type.Number(),
  maxCandidates: Type.Integer(),
  /** Sides of the close-ups in multiples of the face's. */
  closeUps: Type.Array(Type.Number(), { minItems: 1 }),
  /** Mean score over the close-ups from which it is a face. */
  scoreThreshold: Type.Number(),
  tiles: Type.Object({
    fromSide: Type.Integer(),
    side: Type.Integer(),
    overlap: Type.Number(),
    max: Type.Integer(),
  }),
});
type Parameters = Static<typeof Parameters>;

const Config = Type.Object(
  {
    /** Faces below this confidence are not reported. Cannot go below the measured threshold's half. */
    min_confidence: Type.Optional(Type.Number({ minimum: 0.35, maximum: 1 })),
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
  const manifest = await readManifest(faceextract.folder, ['detector'], Parameters);
  const { detector } = manifest.models;
  const { parameters } = manifest;
  const size = parameters.inputSize;
  const { session, provider } = await openSession({
    ...options,
    name: detector.name,
    content: (await readPinnedFile(detector)).content,
    warmUp: async (opened) => {
      await detect(opened, new Uint8Array(size * size * 3), parameters);
    },
  });
  const model: Model = { name: detector.name, version: detector.version, sha256: detector.sha256, provider };
  return {
    models: [model],
    analyse: async (image, config) => {
      const threshold = checkConfig(Config, config).min_confidence ?? parameters.scoreThreshold;
      const faces = await findFaces(session, image, parameters);
      return faces.filter((face) => face.score >= threshold).map((face, index) => toResult(face, index, image, model));
    },
    close: () => session.release(),
  };
}

async function findFaces(session: InferenceSession, image: DecodedImage, parameters: Parameters): Promise<Detection[]> {
  const found: Detection[] = [];
  for (const region of searchRegions(image.width, image.height, parameters.tiles)) {
    const detections = await look(session, image, region, parameters);
    found.push(...detections.filter((detection) => detection.score >= parameters.candidateThreshold));
  }
  const candidates = blend(found, parameters.overlapThreshold).slice(0, parameters.maxCandidates);
  const faces: Detection[] = [];
  for (const candidate of candidates) {
    const face = await lookCloser(session, image, candidate, parameters);
    if (face !== undefined) faces.push(face);
  }
  return blend(faces, parameters.overlapThreshold);
}

/** The mean of what close-ups show where the candidate is. A close-up that shows no face there counts as score 0. */
async function lookCloser(
  session: InferenceSession,
  image: DecodedImage,
  candidate: Detection,
  parameters: Parameters,
): Promise<Detection | undefined> {
  const { box } = candidate;
  const centre = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  if (centre.x < 0 || centre.y < 0 || centre.x >= image.width || centre.y >= image.height) return undefined;
  const seen: Detection[] = [];
  for (const factor of parameters.closeUps) {
    const side = Math.max(box.width, box.height) * factor;
    const region = { x: centre.x - side / 2, y: centre.y - side / 2, side };
    const [best] = (await look(session, image, region, parameters))
      .filter((detection) => rectIou(detection.box, box) >= parameters.overlapThreshold)
      .sort((a, b) => b.score - a.score);
    if (best !== undefined) seen.push(best);
  }
  const [blended] = blend(seen, 0);
  if (blended === undefined) return undefined;
  const score = seen.reduce((sum, detection) => sum + detection.score, 0) / parameters.closeUps.length;
  return { ...blended, score };
}

/** What the model sees in a region, in the image's coordinates. */
async function look(
  session: InferenceSession,
  image: DecodedImage,
  region: Region,
  parameters: Parameters,
): Promise<Detection[]> {
  const { data, scale, origin } = await squareView(image, region, parameters.inputSize);
  const x = (value: number) => value / scale + origin.x;
  const y = (value: number) => value / scale + origin.y;
  return (await detect(session, data, parameters)).map(({ score, box, points }) => ({
    score,
    box: { x: x(box.x), y: y(box.y), width: box.width / scale, height: box.height / scale },
    points: points.map((point) => ({ x: x(point.x), y: y(point.y) })),
  }));
}

/** Runs the model on one square view. */
async function detect(session: InferenceSession, rgb: Uint8Array, parameters: Parameters): Promise<Detection[]> {
  const size = parameters.inputSize;
  const input = new Float32Array(size * size * 3);
  for (let i = 0; i < input.length; i++) input[i] = rgb[i]! / 127.5 - 1;
  const output = await session.run({ 'input:0': new Tensor('float32', input, [1, size, size, 3]) });
  const values = (name: string) => output[name]!.data as Float32Array;
  const [fine, coarse] = parameters.anchors;
  // The lowest score that anything asks for: a close-up that is only half sure must still count with that half.
  const floor = parameters.candidateThreshold / 2;
  return blend(
    [
      ...readGrid(fine!, size, values('Identity:0'), values('Identity_2:0'), floor),
      ...readGrid(coarse!, size, values('Identity_1:0'), values('Identity_3:0'), floor),
    ],
    parameters.overlapThreshold,
  );
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
