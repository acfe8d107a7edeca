/**
 * Looks at the state of a transaction and a moment of stream time and says whether a summary is owed:
 *
 *              every image settled, none announced            a fact that changes the content
 *   Incomplete ────────────────────────────────▶ Complete ◀──────────────┐  (a revised summary)
 *        │                                           ▲ └──────────────────┘
 *        └──────────deadline──────────▶ Partial ─────┘ every image settled
 *
 * No clock and no I/O in here.
 */
import type { TransactionState } from './transaction-state.ts';

export interface DecisionRules {
  /** Time after the last accepted image at which a transaction without a deadline of its own is summed up. undefined: never. */
  readonly defaultDeadlineMs: number | undefined;
  /** Stream time between two summaries of a transaction, at least: what comes meanwhile is in the next. */
  readonly revisionIntervalMs: number;
}

export type Decision =
  | { readonly kind: 'give'; readonly status: 'complete' | 'partial' }
  /** `due`: the moment of stream time at which to ask again even if no fact comes. */
  | { readonly kind: 'wait'; readonly due: number | undefined };

export function decide(state: TransactionState, streamTime: number, rules: DecisionRules): Decision {
  // Nobody who may have a summary has submitted anything.
  if (state.bearer === undefined) return { kind: 'wait', due: undefined };
  const deadline = deadlineOf(state, rules);
  const status = isComplete(state)
    ? 'complete'
    : deadline !== undefined && streamTime >= deadline
      ? 'partial'
      : undefined;
  if (status === undefined) return { kind: 'wait', due: deadline };
  if (!state.changed) return { kind: 'wait', due: undefined };
  const notBefore = state.given === undefined ? 0 : state.given.at + rules.revisionIntervalMs;
  return streamTime >= notBefore ? { kind: 'give', status } : { kind: 'wait', due: notBefore };
}

/** The moment of event time after which a summary is given with what there is. */
export function deadlineOf(state: TransactionState, rules: DecisionRules): number | undefined {
  const own = state.terms.opened?.said.deadline;
  if (own !== undefined) return own;
  if (rules.defaultDeadlineMs === undefined || state.lastAccepted === undefined) return undefined;
  return state.lastAccepted + rules.defaultDeadlineMs;
}

function isComplete(state: TransactionState): boolean {
  return state.accepted > 0 && state.unsettled === 0 && allThere(state);
}

/** Whether all images that the client announced have been accepted. */
function allThere(state: TransactionState): boolean {
  const { opened, closed } = state.terms;
  const expected = closed?.said.expectedImages || opened?.said.expectedImages || 0;
  if (expected > 0) return state.accepted >= expected;
  // Opened without a number: the client will close it. Never opened: what was accepted so far is all there is.
  return closed !== undefined || opened === undefined;
}
