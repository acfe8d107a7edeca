/**
 * Passes a request on to the node that can serve it and its answer back, for clients that cannot follow a redirect: a browser drops
 * the token on the way to another origin. Nothing is kept of either but what is in the pipes.
 */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Agent, type Dispatcher, request as send } from 'undici';
import { Problem } from '../../protocol/http/problem.ts';
import { arrived } from '../http/arrival.ts';

/** Tells the next node that the request has been passed on once, and by whom: it goes no further. */
export const FORWARDED_HEADER = 'sluice-forwarded-by';

/** Of one connection and not of the message (RFC 9110, section 7.6.1), or made anew by us. */
const NOT_PASSED_ON = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'content-length',
  'expect',
  'date',
]);
const CONNECT_MS = 3_000;
/** A long-poll answers late. */
const HEADERS_MS = 120_000;

export class Forwarder {
  readonly #id: string;
  // A stream may be silent for as long as its heartbeat is.
  readonly #agent = new Agent({ connect: { timeout: CONNECT_MS }, headersTimeout: HEADERS_MS, bodyTimeout: 0 });

  /** @param id of this node */
  constructor(id: string) {
    this.#id = id;
  }

  /** @param base URL of the node @throws {Problem} unavailable: it cannot be reached */
  async forward(base: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    // How long it may take to arrive is for the other node to say.
    arrived(request);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    let answer: Dispatcher.ResponseData;
    try {
      answer = await send(`${base}${request.raw.url}`, {
        method: request.method as Dispatcher.HttpMethod,
        headers: { ...passedOn(request.headers), [FORWARDED_HEADER]: this.#id },
        body: bodyOf(request),
        signal: gone.signal,
        dispatcher: this.#agent,
      });
    } catch (cause) {
      // It was the client that went: nothing is known of the other node.
      if (gone.signal.aborted) return reply.hijack();
      throw new Problem('unavailable', 'The node that has the journal of this client does not answer.', {
        retryAfterSeconds: 1,
        cause,
      });
    }
    // Cut from either side, the answer ends: that the other end hears of it is the pipe's work.
    answer.body.on('error', () => {});
    return reply.code(answer.statusCode).headers(passedOn(answer.headers)).send(answer.body);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function passedOn(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !name.startsWith(':') && !NOT_PASSED_ON.has(name)) passed[name] = value;
  return passed;
}

/** A parsed body is JSON; one that is still open is passed on as it comes. */
function bodyOf({ body }: FastifyRequest): Readable | string | null {
  if (body === undefined || body === null) return null;
  return body instanceof Readable ? body : JSON.stringify(body);
}
