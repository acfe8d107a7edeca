/**
 * Sends requests to one endpoint over connections of its own, each an undici client, and reduces whatever happens to an Answer.
 *
 * Not undici's Pool: it takes a connection that has just answered for busy until the event loop has come round, so what is sent one after the
 * other goes out on two connections by turns, at a quarter more processor time. Here the connection that answered last takes the next request:
 * undici queues it and writes it when it is done.
 *
 * Nothing of an answer's body is kept; what exceeds the limit ends the connection. Redirects are not followed: to undici a 3xx is
 * an answer like any other, and here it is a failed one.
 */
import { Client, type Dispatcher } from 'undici';
import { type ConnectOptions, publicConnector } from '../../protocol/webhook/connect.ts';
import { TargetRefused } from '../../protocol/webhook/target.ts';
import type { Answer } from '../machines/answer.ts';
import { retryAfterMs } from '../machines/retry-schedule.ts';
import { type Deadline, Deadlines, type Expiring } from './deadlines.ts';

export interface SenderOptions extends ConnectOptions {
  readonly requestTimeoutMs: number;
  readonly maxResponseBytes: number;
  readonly maxRetryAfterMs: number;
}

export interface Sender {
  /** @param headers names and values by turns */
  post(headers: string[], body: Uint8Array, answered: (answer: Answer) => void): void;
  /** Ends what is under way: its answers are failures. */
  close(): Promise<void>;
}

/** Connecting anew costs a TLS handshake: connections are kept from one burst to the next. */
const KEEP_ALIVE_MS = 30_000;

/**
 * There are as many connections as requests were under way at once: how many those are is the caller's to bound.
 * @param now ms since the epoch
 */
export function openSender(url: string, options: SenderOptions, now: () => number): Sender {
  const { origin, pathname, search } = new URL(url);
  const connect = publicConnector(options);
  const path = pathname + search;
  /** With nothing under way; the one that answered last is last. */
  const idle: Client[] = [];
  const all = new Set<Client>();
  // undici's own time-outs bound the silence between bytes; these bound the whole, however it drips.
  const deadlines = new Deadlines(options.connectTimeoutMs + options.requestTimeoutMs);
  const open = () => {
    const client = new Client(origin, {
      connect,
      pipelining: 1,
      // A receiver that closes sooner says so in its Keep-Alive header, or by closing, which is seen.
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: options.requestTimeoutMs,
      bodyTimeout: options.requestTimeoutMs,
      maxHeaderSize: 16_384,
      allowH2: false,
    });
    all.add(client);
    return client;
  };
  const settled: Settled = ({ client, deadline, answered }, answer, isWhole) => {
    deadlines.delete(deadline!);
    if (isWhole) idle.push(client);
    else {
      // Whatever it is still at is not waited for.
      all.delete(client);
      void client.destroy();
    }
    answered(answer);
  };
  return {
    post(headers, body, answered) {
      const client = idle.pop() ?? open();
      const exchange = new Exchange(client, options, now, answered, settled);
      exchange.deadline = deadlines.add(exchange);
      client.dispatch({ method: 'POST', path, headers, body }, exchange);
    },
    async close() {
      await Promise.all(Array.from(all, (client) => client.destroy()));
      deadlines.close();
    },
  };
}

/** @param isWhole the answer came to its end, so that its connection may be used again */
type Settled = (exchange: Exchange, answer: Answer, isWhole: boolean) => void;

const SOON = Promise.resolve();

/** One request and its answer. undici calls it; it calls `settled` exactly once. */
class Exchange implements Dispatcher.DispatchHandler, Expiring {
  readonly client: Client;
  readonly answered: (answer: Answer) => void;
  deadline: Deadline | undefined;
  readonly #options: SenderOptions;
  readonly #now: () => number;
  readonly #settled: Settled;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #retryAfter: string | undefined;
  #bytes = 0;
  #isSettled = false;

  constructor(
    client: Client,
    options: SenderOptions,
    now: () => number,
    answered: (answer: Answer) => void,
    settled: Settled,
  ) {
    this.client = client;
    this.answered = answered;
    this.#options = options;
    this.#now = now;
    this.#settled = settled;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isSettled) controller.abort(new Error('too late'));
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
    this.#settle(this.#answer(), false);
    controller.abort(new Error('the answer is too long'));
  }

  onResponseEnd(): void {
    this.#settle(this.#answer(), true);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#settle({ kind: 'failed', cause: causeOf(error) }, false);
  }

  expire(): void {
    this.#settle({ kind: 'failed', cause: 'timeout' }, false);
    this.#controller?.abort(new Error('timeout'));
  }

  #answer(): Answer {
    const status = this.#status;
    if (status >= 200 && status < 300) return { kind: 'delivered' };
    if (status === 410) return { kind: 'gone' };
    const pause = retryAfterMs(this.#retryAfter, this.#now(), this.#options.maxRetryAfterMs);
    return { kind: 'failed', cause: String(status), ...(pause !== undefined && { retryAfterMs: pause }) };
  }

  #settle(answer: Answer, isWhole: boolean): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    // undici is still at work on this connection: it is asked for the next request when it has finished with this one.
    // (A promise: queueMicrotask makes a resource for those who trace asynchronous calls each time, which costs more than the call.)
    void SOON.then(() => this.#settled(this, answer, isWhole));
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
