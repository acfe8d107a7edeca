/** Problem details for HTTP (RFC 9457): the one form in which errors reach clients. */
import { PROBLEM_TYPES, type ProblemKey, problemUri } from './problem-types.ts';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** One thing wrong with one field, in the `errors` member. */
export interface FieldError {
  /** JSON Pointer (RFC 6901) into the body, or `query/<name>`, `header/<name>`, `path/<name>`. */
  readonly field: string;
  /** What is wrong and what would be accepted. */
  readonly detail: string;
  /** Where in the field's text: characters from 0, `end` being the one after the last. */
  readonly position?: { readonly start: number; readonly end: number };
}

export interface ProblemMembers {
  readonly errors?: readonly FieldError[];
  readonly [member: string]: unknown;
}

/** An error that a client is told about. Anything else that is thrown becomes 'internal-error' without its message. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly key: ProblemKey;
  readonly status: number;
  readonly members: ProblemMembers;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    key: ProblemKey,
    detail: string,
    options: { members?: ProblemMembers; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause });
    this.key = key;
    this.status = PROBLEM_TYPES[key].status;
    this.members = options.members ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  toJSON(): Record<string, unknown> {
    return {
      type: problemUri(this.key),
      title: PROBLEM_TYPES[this.key].title,
      status: this.status,
      detail: this.message,
      ...this.members,
    };
  }
}

/** An invalid request in which one field is wrong. @param detail goes on after the name of the field, without a full stop */
export function invalidField(field: string, detail: string, cause?: unknown): Problem {
  return new Problem('invalid-request', `${field} ${detail}.`, { members: { errors: [{ field, detail }] }, cause });
}
