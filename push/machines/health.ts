/**
 * Whether an endpoint is well, failing, parked or disabled, as its client sees it. Only what the client is told of changes
 * anything beyond the breaker: parked and disabled endpoints say from which position to read the firehose.
 */
import type { Answer } from './answer.ts';

export type Health =
  | { readonly kind: 'well' }
  /** Nothing got through since; not long enough to tell anybody. */
  | { readonly kind: 'failing'; readonly since: number; readonly cause: string }
  /** The client has been told; a probe is sent now and then. */
  | { readonly kind: 'parked'; readonly since: number; readonly cause: string }
  /** Nothing is sent until the client resumes it. */
  | { readonly kind: 'disabled'; readonly since: number; readonly cause: string };

export interface HealthOptions {
  /** Failing for longer than this parks it. */
  readonly parkAfterMs: number;
  /** Failing for longer than this disables it. */
  readonly disableAfterMs: number;
}

export const WELL: Health = { kind: 'well' };
export const GONE_CAUSE = '410: the receiver says that it is gone';

export function afterAnswer(health: Health, answer: Answer, now: number, options: HealthOptions): Health {
  switch (answer.kind) {
    case 'delivered':
      // What was still under way when it was disabled does not bring it back: its client does.
      return health.kind === 'disabled' ? health : WELL;
    case 'gone':
      return { kind: 'disabled', since: health.kind === 'well' ? now : health.since, cause: GONE_CAUSE };
    case 'failed': {
      if (health.kind === 'disabled') return health;
      const since = health.kind === 'well' ? now : health.since;
      if (now - since >= options.disableAfterMs) return { kind: 'disabled', since, cause: answer.cause };
      const isParked = health.kind === 'parked' || now - since >= options.parkAfterMs;
      return { kind: isParked ? 'parked' : 'failing', since, cause: answer.cause };
    }
  }
}

/** What the client is to be told of a change, if anything. */
export function noticeOf(before: Health, after: Health): 'parked' | 'disabled' | 'resumed' | undefined {
  if (before.kind === after.kind) return undefined;
  if (after.kind === 'parked' || after.kind === 'disabled') return after.kind;
  const wasTold = before.kind === 'parked' || before.kind === 'disabled';
  return wasTold && after.kind === 'well' ? 'resumed' : undefined;
}
