/** Runs BlazeFace on a square region of an image. */
import { squareView } from '../../imaging/resize.ts';
import type { DecodedImage } from '../../inference/decode.ts';
import type { ModelSession } from '../../inference/model-session.ts';
import { blend, type Detection, readGrid } from './detections.ts';
import type { FaceParameters } from './parameters.ts';
import type { Region } from './views.ts';

/** The model's points with left and right exchanged. */
const MIRRORED_POINTS = [1, 0, 2, 3, 5, 4];

/**
 * What the model sees in a region, in the image's coordinates, overlapping detections blended.
 * @param mirrored whether the model gets the region's mirror image; what it finds is mirrored back.
 */
export async function look(
  detector: ModelSession,
  image: DecodedImage,
  region: Region,
  mirrored: boolean,
  parameters: FaceParameters,
): Promise<Detection[]> {
  const size = parameters.inputSize;
  const { data, scale, origin } = await squareView(image, region, size);
  const output = await detector.infer({ data: toInput(data, size, mirrored), dims: [size, size, 3] });
  const values = (name: string) => output[name]!.data;
  const [fine, coarse] = parameters.anchors;
  // A close-up that is only half sure must still count with that half.
  const floor = parameters.candidateThreshold / 2;
  const detections = [
    ...readGrid(fine, size, values('Identity:0'), values('Identity_2:0'), floor),
    ...readGrid(coarse, size, values('Identity_1:0'), values('Identity_3:0'), floor),
  ];
  const x = (value: number) => value / scale + origin.x;
  const y = (value: number) => value / scale + origin.y;
  return blend(detections, parameters.overlapThreshold)
    .map((detection) => (mirrored ? mirror(detection, size) : detection))
    .map(({ score, box, points }) => ({
      score,
      box: { x: x(box.x), y: y(box.y), width: box.width / scale, height: box.height / scale },
      points: points.map((point) => ({ x: x(point.x), y: y(point.y) })),
    }));
}

function toInput(rgb: Uint8Array, size: number, mirrored: boolean): Float32Array {
  const input = new Float32Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = (y * size + (mirrored ? size - 1 - x : x)) * 3;
      const to = (y * size + x) * 3;
      for (let channel = 0; channel < 3; channel++) input[to + channel] = rgb[from + channel]! / 127.5 - 1;
    }
  }
  return input;
}

function mirror({ score, box, points }: Detection, size: number): Detection {
  return {
    score,
    box: { ...box, x: size - box.x - box.width },
    points: MIRRORED_POINTS.map((index) => ({ x: size - points[index]!.x, y: points[index]!.y })),
  };
}
