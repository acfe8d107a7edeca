/** Greedy decoding of CTC output (Graves et al., 2006): best class per step, repeats merged, blanks dropped. */

export interface Character {
  readonly text: string;
  /** 0 to 1. */
  readonly confidence: number;
  /** Steps in which it was seen, from `from` to before `to`; a step is a fixed number of pixels of the line. */
  readonly from: number;
  readonly to: number;
}

/**
 * @param probabilities [steps, classes.length + 1], class 0 being the blank.
 * @param classes characters of the classes from 1.
 */
export function decodeCtc(probabilities: Float32Array, steps: number, classes: readonly string[]): Character[] {
  const width = classes.length + 1;
  const characters: Character[] = [];
  let previous = 0;
  for (let step = 0; step < steps; step++) {
    let best = 0;
    let confidence = probabilities[step * width]!;
    for (let index = 1; index < width; index++) {
      const probability = probabilities[step * width + index]!;
      if (probability > confidence) {
        best = index;
        confidence = probability;
      }
    }
    const last = characters[characters.length - 1];
    if (best !== 0 && best === previous && last !== undefined) {
      characters[characters.length - 1] = {
        ...last,
        confidence: Math.max(last.confidence, confidence),
        to: step + 1,
      };
    } else if (best !== 0) {
      characters.push({ text: classes[best - 1]!, confidence, from: step, to: step + 1 });
    }
    previous = best;
  }
  return characters;
}
