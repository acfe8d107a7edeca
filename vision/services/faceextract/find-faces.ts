/**
 * Search, then a closer look.
 *
 * One pass is not enough to tell a face from what merely resembles one: at any threshold that keeps real faces, a
 * cat and a coffee cup pass too. A real face, though, is recognised at every magnification and in the mirror, and a
 * resemblance is not. So whatever the search finds is looked at again in close-ups of several sizes, and the mean
 * score of those is the confidence. docs/models.md has the measurements.
 */
import { rectIou } from '../../imaging/geometry.ts';
import { noiseOf, withoutNoise } from '../../imaging/noise.ts';
import { upsideDown } from '../../imaging/resize.ts';
import { atMost } from '../../inference/at-most.ts';
import type { DecodedImage } from '../../inference/decode.ts';
import type { ModelSession } from '../../inference/model-session.ts';
import { blend, type Detection, withoutParts } from './detections.ts';
import { look } from './look.ts';
import type { FaceParameters } from './parameters.ts';
import { searchRegions } from './views.ts';

/** @returns faces of at least `threshold`, by falling confidence. */
export async function findFaces(
  detector: ModelSession,
  image: DecodedImage,
  threshold: number,
  parameters: FaceParameters,
): Promise<Detection[]> {
  // Noise hides faces from the model; on an image with little of it the middle value would only take details away.
  const { from, window } = parameters.noise;
  const clear = noiseOf(image) < from ? image : await withoutNoise(image, window);
  const upright = await findUpright(detector, clear, threshold, parameters);
  if (upright.length > 0) return upright;
  // The model knows faces that lie on their side, but not upside down as on a card scanned the wrong way.
  const found = await findUpright(detector, await upsideDown(clear), threshold, parameters);
  return found.map((face) => turned(face, image));
}

async function findUpright(
  detector: ModelSession,
  image: DecodedImage,
  threshold: number,
  parameters: FaceParameters,
): Promise<Detection[]> {
  const regions = searchRegions(image.width, image.height, parameters.tiles);
  const seen = await atMost(detector.askAtOnce, regions, (region) => look(detector, image, region, false, parameters));
  const found = seen.flat().filter((detection) => detection.score >= parameters.candidateThreshold);
  const candidates = blend(found, parameters.overlapThreshold).slice(0, parameters.maxCandidates);
  const faces: Detection[] = [];
  for (const candidate of candidates) {
    const face = await lookCloser(detector, image, candidate, parameters);
    if (face !== undefined && face.score >= threshold) faces.push(face);
  }
  return withoutParts(blend(faces, parameters.overlapThreshold));
}

/** The mean of what close-ups show where the candidate is. A close-up that shows no face there counts as score 0. */
async function lookCloser(
  detector: ModelSession,
  image: DecodedImage,
  { box }: Detection,
  parameters: FaceParameters,
): Promise<Detection | undefined> {
  const centre = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  if (centre.x < 0 || centre.y < 0 || centre.x >= image.width || centre.y >= image.height) return undefined;
  const views = parameters.closeUps.flatMap((factor) => {
    const side = Math.max(box.width, box.height) * factor;
    const region = { x: centre.x - side / 2, y: centre.y - side / 2, side };
    return [false, true].map((mirrored) => ({ region, mirrored }));
  });
  const looks = await atMost(detector.askAtOnce, views, ({ region, mirrored }) =>
    look(detector, image, region, mirrored, parameters),
  );
  const seen = looks.flatMap((detections) => {
    const [best] = detections
      .filter((detection) => rectIou(detection.box, box) >= parameters.overlapThreshold)
      .sort((a, b) => b.score - a.score);
    return best === undefined ? [] : [best];
  });
  const [blended] = blend(seen, 0);
  if (blended === undefined) return undefined;
  const score = seen.reduce((sum, detection) => sum + detection.score, 0) / views.length;
  return { ...blended, score };
}

/** A detection in an image that was turned by half a circle, in the image as it was. */
function turned({ score, box, points }: Detection, { width, height }: DecodedImage): Detection {
  return {
    score,
    box: { ...box, x: width - box.x - box.width, y: height - box.y - box.height },
    points: points.map(({ x, y }) => ({ x: width - x, y: height - y })),
  };
}
