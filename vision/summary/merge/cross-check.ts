/**
 * What is printed, held against what the barcodes say.
 *
 * A barcode's text is taken apart into values (a document number, a date, a name). A value that is printed, up to case, spacing,
 * punctuation and letters that look like digits, agrees. One that is printed almost but not quite conflicts: one of
 * the two was misread or altered. A value that nothing printed resembles says nothing.
 */
import {
  type CrossCheck,
  type DistinctBarcode,
  type Evidence,
  type MergedText,
  Verdict,
} from '../../../protocol/generated/summary/v1m0/summary_pb.js';
import { similarity } from './similarity.ts';

/** Shorter values are found anywhere by chance. Letters and digits. */
const MIN_VALUE = 4;
/** Values of this length may agree as a part of a longer line. */
const MIN_WITHIN = 6;
const ALMOST = 0.75;
/** A printed value may be spaced out over so many words: "1234 5678 9012". */
const MAX_WORDS = 4;

const MAX_BARCODES = 64;
const MAX_VALUES = 32;
const MAX_PRINTED = 4096;

interface Printed {
  /** As it stands. */
  readonly text: string;
  readonly folded: string;
  /** Position among the texts. */
  readonly index: number;
}

export function crossCheck(barcodes: readonly DistinctBarcode[], texts: readonly MergedText[]): CrossCheck[] {
  if (barcodes.length === 0) return [];
  const printed = texts.flatMap(printedIn).slice(0, MAX_PRINTED);
  return barcodes.slice(0, MAX_BARCODES).map((code, barcode) => {
    const evidence = valuesOf(code.text)
      .map((value) => holdAgainst(value, printed))
      .filter((found) => found !== undefined);
    return { barcode, verdict: verdictOf(evidence), evidence };
  });
}

function verdictOf(evidence: readonly Evidence[]): Verdict {
  if (evidence.some(({ verdict }) => verdict === Verdict.CONFLICTS)) return Verdict.CONFLICTS;
  return evidence.some(({ verdict }) => verdict === Verdict.AGREES) ? Verdict.AGREES : Verdict.UNRELATED;
}

/** The values in a code: its parts between separators. Slashes separate too, but not in dates and other plain numbers. */
export function valuesOf(text: string): string[] {
  const parts = text
    .split(/[^\p{L}\p{N}\-./]+/u)
    .flatMap((part) => (/\p{L}/u.test(part) ? part.split('/') : [part]))
    .map((part) => part.replace(/^[-./]+|[-./]+$/gu, ''));
  return [...new Set(parts)].filter((part) => fold(part).length >= MIN_VALUE).slice(0, MAX_VALUES);
}

function printedIn(merged: MergedText, index: number): Printed[] {
  const words = merged.text.split(/\s+/u).filter((word) => word !== '');
  const found: Printed[] = [];
  for (let from = 0; from < words.length; from++) {
    for (let to = from + 1; to <= Math.min(words.length, from + MAX_WORDS); to++) {
      const text = words.slice(from, to).join(' ');
      found.push({ text, folded: fold(text), index });
    }
  }
  return found;
}

function holdAgainst(value: string, printed: readonly Printed[]): Evidence | undefined {
  const folded = fold(value);
  const same =
    printed.find((candidate) => candidate.folded === folded) ??
    (folded.length >= MIN_WITHIN ? printed.find((candidate) => candidate.folded.includes(folded)) : undefined);
  if (same !== undefined) return evidence(Verdict.AGREES, value, same);
  // Names and words resemble other words by nature; only values with digits in them identify something.
  if (!/\p{N}/u.test(value)) return undefined;
  const [closest] = printed
    .filter((candidate) => Math.abs(candidate.folded.length - folded.length) <= folded.length * (1 - ALMOST))
    .map((candidate) => ({ candidate, alike: similarity(candidate.folded, folded) }))
    .filter(({ alike }) => alike >= ALMOST)
    .sort((a, b) => b.alike - a.alike);
  return closest === undefined ? undefined : evidence(Verdict.CONFLICTS, value, closest.candidate);
}

function evidence(verdict: Verdict, value: string, printed: Printed): Evidence {
  return { verdict, barcodeValue: value, textValue: printed.text, text: printed.index };
}

/** Letters and digits only, in capitals, with those that OCR takes for each other made one. */
function fold(text: string): string {
  return text
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
    .replace(/[OQ]/g, '0')
    .replace(/[IL]/g, '1');
}
