/** What the client library throws, as types: each says whether trying again could help. */
import type { Goodbye } from '../../protocol/frames.ts';

/** A problem (RFC 9457) that the server answered with and that repeating the request would not mend. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly status: number;
  /** URI of the problem type, such as `/problems/offset-retired`; `about:blank` where the answer was none of ours. */
  readonly type: string;
  /** The whole problem, with the members of its type. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    super(`${status} ${problem.title ?? 'error'}: ${problem.detail ?? 'no detail was given'}`);
    this.status = status;
    this.type = typeof problem.type === 'string' ? problem.type : 'about:blank';
    this.problem = problem;
  }
}

/** Messages are missing: they were retired before they were read, or the stream left some out. */
export class GapError extends Error {
  override readonly name = 'GapError';
  /** Offset of the last message that was received, or that the stream was to start after. */
  readonly after: number;
  /** The first message that can still be had. */
  readonly next: number;

  constructor(after: number, next: number, why: string, options?: ErrorOptions) {
    super(`messages between offsets ${after} and ${next} are missing: ${why}`, options);
    this.after = after;
    this.next = next;
  }
}

/** The server ended the stream for a reason that connecting again would meet again. */
export class StreamEndedError extends Error {
  override readonly name = 'StreamEndedError';
  readonly reason: string;
  readonly epoch: string;
  /** Resume from here. */
  readonly offset: number;

  constructor({ reason, detail, epoch, offset }: Goodbye) {
    super(`the stream ended (${reason})${detail === undefined ? '' : `: ${detail}`}`);
    this.reason = reason;
    this.epoch = epoch;
    this.offset = offset;
  }
}

/** A redirect to a host that the token may not go to. */
export class UntrustedRedirectError extends Error {
  override readonly name = 'UntrustedRedirectError';
  /** Where the server wanted the request to go. */
  readonly location: string;
  constructor(base: string, location: string) {
    const { host } = new URL(location);
    super(
      `${base} sends this request on to ${location}, which the token is not sent to. If that is a node of the same deployment, allow it: allowedNodes: ['${host}']`,
    );
    this.location = location;
  }
}
