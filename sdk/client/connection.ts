/** How requests reach the server: base URL, token, redirects to the node that can answer, and what an answer other than success means. */
import { ProblemError, UntrustedRedirectError } from './errors.ts';
import { isTrustedNode } from './trusted-node.ts';

export interface Connection {
  readonly url: string;
  /** The token to send now. @param refused the one before was answered 401 */
  readonly token: (refused: boolean) => Promise<string>;
  readonly fetch: typeof globalThis.fetch;
  /** Hosts besides that of `url` that the token may go to (trusted-node.ts). */
  readonly allowedNodes: readonly string[];
}

/** Nodes that send a request to each other do not agree yet: more of that would not help now. */
const MAX_REDIRECTS = 4;

/** What may pass: the connection broke, or the server cannot answer now. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  /** The server asked for this pause, ms. */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, retryAfterMs?: number, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Sends one request with the token; once more with a fresh one where that is refused. It always goes to the base URL first, so after
 * the loss of a node it ends at another that has the same.
 *
 * @throws {ProblemError} repeating will not help
 * @throws {UntrustedRedirectError} it is sent on to where the token may not go
 * @throws {TransientError} it may
 */
export async function send(connection: Connection, path: string, init: RequestInit): Promise<Response> {
  const first = await sendOnce(connection, path, init, false);
  if (first.status !== 401) return accepted(first);
  await first.body?.cancel();
  return accepted(await sendOnce(connection, path, init, true));
}

async function sendOnce(connection: Connection, path: string, init: RequestInit, refused: boolean): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${await connection.token(refused)}`);
  let url = `${connection.url}${path}`;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await reach(connection, url, { ...init, headers });
    // Browsers do not tell where to: they follow by themselves, with the token only within the origin.
    if (response.type === 'opaqueredirect') return reach(connection, url, { ...init, headers, redirect: 'follow' });
    const location = response.headers.get('location');
    if ((response.status !== 307 && response.status !== 308) || location === null) return response;
    await response.body?.cancel();
    const target = new URL(location, url);
    if (!isTrustedNode(new URL(connection.url), target, connection.allowedNodes))
      throw new UntrustedRedirectError(connection.url, target.href);
    url = target.href;
  }
  throw new TransientError(`${connection.url} sends the request round in circles`);
}

/** fetch itself would follow a redirect to another origin without the token. */
async function reach({ fetch }: Connection, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { redirect: 'manual', ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new TransientError(`${url} cannot be reached`, undefined, { cause: error });
  }
}

async function accepted(response: Response): Promise<Response> {
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (response.status === 408 || response.status === 429 || response.status >= 500) {
    throw new TransientError(`${response.status}: ${problem.detail}`, retryAfterMs(response.headers));
  }
  throw new ProblemError(response.status, problem);
}

async function problemOf(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text().catch(() => '');
  try {
    const problem = JSON.parse(text);
    if (typeof problem === 'object' && problem !== null) return problem;
  } catch {
    // Not one of ours: something between here and there has answered.
  }
  return { status: response.status, detail: text.slice(0, 500) };
}

function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
