/**
 * Sends requests to one endpoint through an undici pool of its own, and reduces whatever happens to an Answer.
 *
 * Nothing of an answer's body is kept; what exceeds the limit ends the connection. Redirects are not followed: to undici a 3xx is
 * an answer like any other, and here it is a failed one.
 */
import { type Dispatcher, Pool } from 'undici';
import { type ConnectOptions, publicConnector } from '../../protocol/webhook/connect.ts';
import { TargetRefused } from '../../protocol/webhook/target.ts';
import type { Answer } from '../machines/answer.ts';
import { retryAfterMs } from '../machines/retry-schedule.ts';
import { Deadlines, type Expiring } from './deadlines.ts';

export interface SenderOptions extends ConnectOptions {
  /** Most requests under way. */
  readonly connections: number;
  readonly requestTimeoutMs: number;
  readonly maxResponseBytes: number;
  readonly maxRetryAfterMs: number;
}

export interface Sender {
  post(headers: Record<string, string>, body: Uint8Array, answered: (answer: Answer) => void): void;
  /** Ends what is under way: its answers are failures. */
  close(): Promise<void>;
}

/** Connecting anew costs a TLS handshake: connections are kept from one burst to the next. */
const KEEP_ALIVE_MS = 30_000;

export function openSender(url: string, options: SenderOptions, now: () => number): Sender {
  const { origin, pathname, search } = new URL(url);
  const pool = new Pool(origin, {
    connect: publicConnector(options),
    connections: options.connections,
    pipelining: 1,
    // A receiver that closes sooner says so in its Keep-Alive header, or by closing, which is seen.
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: options.requestTimeoutMs,
    bodyTimeout: options.requestTimeoutMs,
    maxHeaderSize: 16_384,
    allowH2: false,
  });
  const path = pathname + search;
  // undici's own time-outs bound the silence between bytes; these bound the whole, however it drips.
  const deadlines = new Deadlines(options.connectTimeoutMs + options.requestTimeoutMs);
  return {
    post(headers, body, answered) {
      const exchange = new Exchange(options, now, deadlines, answered);
      deadlines.add(exchange);
      pool.dispatch({ method: 'POST', path, headers, body }, exchange);
    },
    async close() {
      await pool.destroy();
      deadlines.close();
    },
  };
}

/** One request and its answer. undici calls it; it calls `answered` exactly once. */
class Exchange implements Dispatcher.DispatchHandler, Expiring {
  readonly #options: SenderOptions;
  readonly #now: () => number;
  readonly #deadlines: Deadlines;
  readonly #answered: (answer: Answer) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #retryAfter: string | undefined;
  #bytes = 0;
  #settled = false;

  constructor(options: SenderOptions, now: () => number, deadlines: Deadlines, answered: (answer: Answer) => void) {
    this.#options = options;
    this.#now = now;
    this.#deadlines = deadlines;
    this.#answered = answered;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error('too late'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    if (status !== 429 && status !== 503) return;
    const header = headers['retry-after'];
    this.#retryAfter = Array.isArray(header) ? header[0] : header;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#options.maxResponseBytes) return;
    // The status has said what there is to know.
    this.#settle(this.#answer());
    controller.abort(new Error('the answer is too long'));
  }

  onResponseEnd(): void {
    this.#settle(this.#answer());
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#settle({ kind: 'failed', cause: causeOf(error) });
  }

  expire(): void {
    this.#settle({ kind: 'failed', cause: 'timeout' });
    this.#controller?.abort(new Error('timeout'));
  }

  #answer(): Answer {
    const status = this.#status;
    if (status >= 200 && status < 300) return { kind: 'delivered' };
    if (status === 410) return { kind: 'gone' };
    const pause = retryAfterMs(this.#retryAfter, this.#now(), this.#options.maxRetryAfterMs);
    return { kind: 'failed', cause: String(status), ...(pause !== undefined && { retryAfterMs: pause }) };
  }

  #settle(answer: Answer): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deadlines.delete(this);
    // undici is still at work on this connection: a request sent from within would go out on another one.
    queueMicrotask(() => this.#answered(answer));
  }
}

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  UND_ERR_SOCKET: 'connection reset',
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name does not resolve',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'the answer is not HTTP',
};

/** In words that a client may read: its own endpoint's doing, never an address or a path of ours. */
function causeOf(error: Error): string {
  if (error instanceof TargetRefused) return error.message;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = CAUSES[code];
  if (known !== undefined) return known;
  if (/CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|EPROTO|UNABLE_TO/.test(code)) return `TLS: ${code}`;
  if (error.name === 'HTTPParserError') return 'the answer is not HTTP';
  return 'connection failed';
}
