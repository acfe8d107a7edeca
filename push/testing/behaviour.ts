/** How a test's receiver answers on one path. */

export type Behaviour =
  | { readonly kind: 'accept'; readonly delayMs?: number }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Accepts, but answers these messages (by what their body holds) with 500. */
  | { readonly kind: 'poison'; readonly containing: string }
  /** Answers so many requests with 500, then accepts. */
  | { readonly kind: 'fail-first'; readonly times: number }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Answers a byte at a time and never ends. */
  | { readonly kind: 'drip' }
  | { readonly kind: 'reset' }
  /** Accepts with an answer of so many bytes. */
  | { readonly kind: 'big'; readonly bytes: number }
  | { readonly kind: 'garbage' };

/** One request as the receiver saw it. */
export interface ReceivedRequest {
  readonly path: string;
  readonly id: string;
  /** The signature was right, for every secret that the receiver knows; undefined where it knows none. */
  readonly signed: boolean | undefined;
  readonly signatures: number;
  readonly accepted: boolean;
  /** The body's JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of any mode
  readonly body: any;
  /** Requests under way on this path when it came, itself included. */
  readonly concurrent: number;
  /** ms since the epoch. */
  readonly at: number;
}

export type ToReceiver =
  | { readonly kind: 'behave'; readonly path: string; readonly behaviour: Behaviour }
  | { readonly kind: 'secrets'; readonly path: string; readonly secrets: readonly string[] }
  | { readonly kind: 'report'; readonly question: number; readonly path: string; readonly from: number };

export type FromReceiver =
  | { readonly kind: 'listening'; readonly http: number; readonly https: number; readonly mtls: number }
  | { readonly kind: 'report'; readonly question: number; readonly requests: readonly ReceivedRequest[] };
