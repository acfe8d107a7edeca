/** What an error means for the image that it happened to: whether to try again, and what the client is told. */
import { BlobDamagedError, BlobMissingError } from '../../protocol/blob/blob-store.ts';
import type { ProblemKey } from '../../protocol/http/problem-types.ts';
import { RecordTooLargeError } from '../../protocol/log/errors.ts';
import { InferenceError, type InferenceErrorCode } from '../inference/errors.ts';
import { PoisonedRecord } from './task.ts';

export interface Failure {
  readonly problem: ProblemKey;
  readonly detail: string;
  /** Tries that were made. */
  readonly attempts: number;
  /** Whether the record goes to the dead letters: not where the image itself is at fault, since no operator can mend that. */
  readonly setAside: boolean;
}

/**
 * permanent: this image will fail again; attempt: it may pass another time; outage: nothing passes now, and
 * the image is not to blame.
 */
export type FailureKind = 'permanent' | 'attempt' | 'outage';

const INFERENCE: Record<InferenceErrorCode, { kind: FailureKind; problem: ProblemKey; setAside: boolean }> = {
  'image-undecodable': { kind: 'permanent', problem: 'invalid-image', setAside: false },
  'image-too-large': { kind: 'permanent', problem: 'image-too-large', setAside: false },
  'config-invalid': { kind: 'permanent', problem: 'invalid-grant-configuration', setAside: false },
  'analysis-failed': { kind: 'attempt', problem: 'analysis-failed', setAside: true },
  'inference-timeout': { kind: 'attempt', problem: 'analysis-timeout', setAside: true },
  'inference-crashed': { kind: 'attempt', problem: 'analysis-crashed', setAside: true },
  'model-unavailable': { kind: 'outage', problem: 'unavailable', setAside: true },
  'inference-overloaded': { kind: 'outage', problem: 'unavailable', setAside: true },
  'inference-unavailable': { kind: 'outage', problem: 'unavailable', setAside: true },
  'inference-closed': { kind: 'outage', problem: 'unavailable', setAside: true },
};

export function kindOf(error: unknown): FailureKind {
  if (error instanceof InferenceError) return INFERENCE[error.code].kind;
  if (error instanceof PoisonedRecord || error instanceof RecordTooLargeError || isLost(error)) return 'permanent';
  return 'outage';
}

/** @param error one whose kind is not 'outage' */
export function failureOf(error: unknown, attempts: number): Failure {
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof InferenceError) {
    const { problem, setAside } = INFERENCE[error.code];
    return { problem, detail, attempts, setAside };
  }
  return { problem: problemOf(error), detail, attempts, setAside: true };
}

function problemOf(error: unknown): ProblemKey {
  if (error instanceof RecordTooLargeError) return 'result-too-large';
  return isLost(error) ? 'image-lost' : 'poisoned-message';
}

/** The blob store will never give what the event names. */
function isLost(error: unknown): boolean {
  return error instanceof BlobMissingError || error instanceof BlobDamagedError;
}
