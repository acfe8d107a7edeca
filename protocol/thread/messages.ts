/** What a consumer's thread and the main thread say to each other, whatever the consumer is. */
import type { Claims } from '../claims/token.ts';

/** What is in this token? Answered by `token`: keys never leave the main thread. */
export interface AskToken {
  readonly kind: 'ask-token';
  readonly question: number;
  readonly token: string;
}

/** The consumer's state is open, and it follows these partitions. */
export interface Following {
  readonly kind: 'following';
  readonly partitions: readonly number[];
}

export type ToThread =
  | { readonly kind: 'token'; readonly question: number; readonly answer: TokenAnswer }
  | { readonly kind: 'stop' };

export type TokenAnswer =
  | { readonly claims: Claims }
  /** Not a token of ours. */
  | { readonly refused: { readonly code: string; readonly message: string } }
  /** It could not be found out now. */
  | { readonly failed: string };
