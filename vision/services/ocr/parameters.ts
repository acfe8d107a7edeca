/** The numbers in ocr's manifest.json. */
import { type Static, Type } from 'typebox';

const Triple = Type.Tuple([Type.Number(), Type.Number(), Type.Number()]);

export const OcrParameters = Type.Object({
  detection: Type.Object({
    /** Smaller images are enlarged until their shorter side has this many pixels, … */
    shortSide: Type.Integer(),
    /** … but never so that the longer side has more than this, … */
    longSide: Type.Integer(),
    /** … nor by more than this factor. */
    maxEnlargement: Type.Number(),
    /** Sides of the input on a GPU, ascending; the image lies at the top left of the next larger ones. */
    fixedSides: Type.Array(Type.Integer({ multipleOf: 32 }), { minItems: 1 }),
    /** Of blue, green and red, in parts of 255. */
    mean: Triple,
    deviation: Triple,
    pixelThreshold: Type.Number(),
    boxThreshold: Type.Number(),
    unclipRatio: Type.Number(),
    minSide: Type.Number(),
    maxLines: Type.Integer(),
  }),
  angle: Type.Object({
    /** Of the model's input. */
    width: Type.Integer(),
    /** Score from which a line counts as upside down. */
    threshold: Type.Number(),
    /** Lines read with less confidence than this are read the other way up too, and the better reading stays. */
    doubtBelow: Type.Number(),
  }),
  recognition: Type.Object({
    height: Type.Integer(),
    maxWidth: Type.Integer(),
    /** Widths of the input on a GPU, ascending; the line lies at the left of the next wider one. */
    fixedWidths: Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1 }),
    /** Lines below this mean confidence are not reported. */
    scoreThreshold: Type.Number(),
    /** Texts of up to so many characters must be surer: textures in photographs look like single letters. */
    shortText: Type.Integer(),
    shortThreshold: Type.Number(),
  }),
  /** See columns.ts. */
  columns: Type.Object({ minWidth: Type.Number(), medianFactor: Type.Number(), wordFactor: Type.Number() }),
  /** See word-spaces.ts. */
  spaces: Type.Object({ minWidth: Type.Number(), medianFactor: Type.Number(), medianMargin: Type.Number() }),
});
export type OcrParameters = Static<typeof OcrParameters>;
