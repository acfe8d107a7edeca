/** The numbers in faceextract's manifest.json. */
import { type Static, Type } from 'typebox';

export const FaceParameters = Type.Object({
  /** Side of the square that the model sees. */
  inputSize: Type.Integer(),
  /** The model's grids: fine, then coarse. */
  anchors: Type.Tuple([
    Type.Object({ cells: Type.Integer(), perCell: Type.Integer() }),
    Type.Object({ cells: Type.Integer(), perCell: Type.Integer() }),
  ]),
  /** Score from which the search passes a detection on to the close-ups. */
  candidateThreshold: Type.Number(),
  /** Intersection over union from which two detections are the same face. */
  overlapThreshold: Type.Number(),
  maxCandidates: Type.Integer(),
  /** Sides of the close-ups in multiples of the face's; each is looked at as it is and mirrored. */
  closeUps: Type.Array(Type.Number(), { minItems: 1 }),
  /** Mean score over the close-ups from which it is a face. */
  scoreThreshold: Type.Number(),
  /** Images with noise from this standard deviation, in grey levels, are searched in the middle values of such windows. */
  noise: Type.Object({ from: Type.Number(), window: Type.Integer() }),
  tiles: Type.Object({
    fromSide: Type.Integer(),
    side: Type.Integer(),
    overlap: Type.Number(),
    max: Type.Integer(),
  }),
});
export type FaceParameters = Static<typeof FaceParameters>;
