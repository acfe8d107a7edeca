/** The errors that analysing an image can end with, and how they cross from the child process to the caller. */

/** What can go wrong, by name. A closed set: callers may switch over it. */
export type InferenceErrorCode =
  | 'image-undecodable'
  | 'image-too-large'
  | 'config-invalid'
  | 'model-unavailable'
  | 'analysis-failed'
  | 'inference-timeout'
  | 'inference-crashed'
  | 'inference-overloaded'
  | 'inference-unavailable'
  | 'inference-closed';

export class InferenceError extends Error {
  readonly code: InferenceErrorCode;
  /** The same image and configuration would fail again: a retry is pointless. */
  readonly permanent: boolean;

  constructor(code: InferenceErrorCode, message: string, permanent: boolean) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.permanent = permanent;
  }
}

/** The bytes are not an image of an accepted kind, or are damaged. */
export class ImageUndecodable extends InferenceError {
  constructor(message: string) {
    super('image-undecodable', message, true);
  }
}

/** The image has more pixels than may be decoded. */
export class ImageTooLarge extends InferenceError {
  constructor(message: string) {
    super('image-too-large', message, true);
  }
}

/** The service does not understand the configuration in the claim. */
export class ConfigInvalid extends InferenceError {
  constructor(message: string) {
    super('config-invalid', message, true);
  }
}

/** A model file is missing or is not the one that the manifest pins. */
export class ModelUnavailable extends InferenceError {
  constructor(message: string) {
    super('model-unavailable', message, true);
  }
}

/** The service threw: a defect of its own, or of the runtime on this input. */
export class AnalysisFailed extends InferenceError {
  constructor(message: string) {
    super('analysis-failed', message, false);
  }
}

/** The image held the child for longer than it may. The child was replaced. */
export class InferenceTimeout extends InferenceError {
  constructor(message: string) {
    super('inference-timeout', message, false);
  }
}

/** The child died while it had this image and no other. The child is being replaced. */
export class InferenceCrashed extends InferenceError {
  constructor(message: string) {
    super('inference-crashed', message, false);
  }
}

/** Too many images wait already. */
export class InferenceOverloaded extends InferenceError {
  constructor(message: string) {
    super('inference-overloaded', message, false);
  }
}

/** The child does not come up. */
export class InferenceUnavailable extends InferenceError {
  constructor(message: string) {
    super('inference-unavailable', message, false);
  }
}

/** The process was closed before it answered. */
export class InferenceClosed extends InferenceError {
  constructor(message = 'the inference process was closed') {
    super('inference-closed', message, false);
  }
}

/** An error as it crosses from the child. */
export interface WireError {
  readonly code: InferenceErrorCode;
  readonly message: string;
}

const FROM_CHILD = {
  'image-undecodable': ImageUndecodable,
  'image-too-large': ImageTooLarge,
  'config-invalid': ConfigInvalid,
  'model-unavailable': ModelUnavailable,
  'analysis-failed': AnalysisFailed,
} as const;

export function toWire(error: unknown): WireError {
  if (error instanceof InferenceError) return { code: error.code, message: error.message };
  return { code: 'analysis-failed', message: error instanceof Error ? error.message : String(error) };
}

export function fromWire({ code, message }: WireError): InferenceError {
  const Kind = code in FROM_CHILD ? FROM_CHILD[code as keyof typeof FROM_CHILD] : AnalysisFailed;
  return new Kind(message);
}
