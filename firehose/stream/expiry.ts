/**
 * When a stream has to begin anew, however well it goes: with its token, or after its lifetime.
 *
 * Readers of a node that goes down move to other copies and would stay there. A lifetime brings every reader back to the address that it
 * knows once in a while, which is to say to its node, or to whatever spreads readers over the nodes.
 */
import type { GoodbyeReason } from '../../protocol/frames.ts';

export interface Expiry {
  /** ms since the epoch. */
  readonly at: number;
  readonly reason: Extract<GoodbyeReason, 'token_expired' | 'lifetime'>;
}

/** Share of the lifetime by which it varies to either side: streams that began together do not end together. */
const JITTER = 0.25;

/**
 * @param tokenEnds ms since the epoch
 * @param lifetimeMs 0: none but the token's
 * @param random gives numbers from 0 to 1
 */
export function streamExpiry(now: number, tokenEnds: number, lifetimeMs: number, random: () => number): Expiry {
  const lifetimeEnds =
    lifetimeMs === 0 ? Number.POSITIVE_INFINITY : now + lifetimeMs * (1 + JITTER * (2 * random() - 1));
  return lifetimeEnds < tokenEnds
    ? { at: lifetimeEnds, reason: 'lifetime' }
    : { at: tokenEnds, reason: 'token_expired' };
}
