/** How requests reach the server: base URL, token, and what an answer other than success means. */
import { ProblemError } from './errors.ts';

export interface Connection {
  readonly url: string;
  /** The token to send now. @param refused the one before was answered 401 */
  readonly token: (refused: boolean) => Promise<string>;
  readonly fetch: typeof globalThis.fetch;
}

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
 * Sends one request with the token; once more with a fresh one where that is refused.
 *
 * @throws {ProblemError} repeating will not help
 * @throws {TransientError} it may
 */
export async function send(connection: Connection, path: string, init: RequestInit): Promise<Response> {
  const first = await sendOnce(connection, path, init, false);
  if (first.status !== 401) return accepted(first);
  await first.body?.cancel();
  return accepted(await sendOnce(connection, path, init, true));
}

async function sendOnce(
  { url, token, fetch }: Connection,
  path: string,
  init: RequestInit,
  refused: boolean,
): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${await token(refused)}`);
  try {
    return await fetch(`${url}${path}`, { ...init, headers });
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
