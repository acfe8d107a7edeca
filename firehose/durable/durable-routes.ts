/**
 * The read side of the Durable Streams protocol (durable-streams/PROTOCOL.md, sections 5.5 to 5.8, 8 and 10) over the
 * journal, so that its clients work: `GET` and `HEAD` of a client's messages as one JSON stream.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { invalidField, Problem } from '../../protocol/http/problem.ts';
import { READS_DURABLE } from '../http/route-problems.ts';
import { nextCursor } from './cursor.ts';
import type { DurableChunk, DurableStream } from './durable-stream.ts';
import { offsetToken, parseOffsetToken } from './offset-token.ts';

export interface DurableOptions {
  /** Path of the stream, as fastify matches it. */
  readonly path: string;
  /** Finds the stream and checks that it may be read. @throws {Problem} */
  readonly streamOf: (request: FastifyRequest) => Promise<DurableStream>;
  /** How long a long-poll waits. */
  readonly longPollMs: number;
  /** Live responses end after so long, so that caches can collapse their readers. */
  readonly liveMs: number;
  /** Aborted when the node goes down. */
  readonly stopping: AbortSignal;
  readonly now: () => number;
}

type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

const CACHEABLE = 'private, max-age=60, stale-while-revalidate=300';

export function registerDurableRoutes(server: FastifyInstance, options: DurableOptions): void {
  server.head(
    options.path,
    { config: READS_DURABLE, schema: { tags: ['durable streams'], summary: 'Where the stream ends' } },
    async (request, reply) => {
      secure(reply);
      const stream = await options.streamOf(request);
      reply.header('cache-control', 'no-store').type(stream.contentType);
      return reply.header('stream-next-offset', offsetToken(stream.epoch, stream.tail())).send();
    },
  );

  server.get<{ Querystring: Query }>(
    options.path,
    {
      exposeHeadRoute: false,
      config: READS_DURABLE,
      schema: { tags: ['durable streams'], summary: 'Read the messages as a durable stream' },
    },
    async (request, reply) => {
      secure(reply);
      const stream = await options.streamOf(request);
      const { offset, live, cursor } = oneEach(request.query);
      if (live !== undefined && live !== 'long-poll' && live !== 'sse') throw wrong('live', 'must be long-poll or sse');
      if (live !== undefined && offset === undefined) throw wrong('offset', 'is needed with live');
      const after = positionOf(stream, offset);
      if (live === 'sse') return sendEvents(options, stream, after, cursor, request, reply);
      if (live === 'long-poll') return longPoll(options, stream, after, cursor, request, reply);
      return catchUp(stream, after, offset === 'now', request, reply);
    },
  );
}

function catchUp(stream: DurableStream, after: number, isNow: boolean, request: FastifyRequest, reply: FastifyReply) {
  const chunk = readChunk(stream, after);
  describe(reply, stream, chunk);
  if (isNow) return reply.header('cache-control', 'no-store').send(body(stream, chunk));
  const etag = `"${stream.epoch}:${after + 1}:${chunk.last + 1}"`;
  reply.header('etag', etag).header('cache-control', CACHEABLE);
  if (request.headers['if-none-match']?.split(/\s*,\s*/).includes(etag)) return reply.code(304).send();
  return reply.send(body(stream, chunk));
}

async function longPoll(
  { longPollMs, stopping, now }: DurableOptions,
  stream: DurableStream,
  after: number,
  cursor: string | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  let chunk = readChunk(stream, after);
  if (chunk.data.length === 0) {
    await stream.changed(AbortSignal.any([AbortSignal.timeout(longPollMs), stopping, gone(request)]));
    chunk = readChunk(stream, after);
  }
  describe(reply, stream, chunk).header('stream-cursor', nextCursor(now(), cursor, Math.random()));
  if (chunk.data.length === 0) return reply.code(204).header('cache-control', 'no-store').send();
  reply.header('etag', `"${stream.epoch}:${after + 1}:${chunk.last + 1}"`).header('cache-control', CACHEABLE);
  return reply.send(body(stream, chunk));
}

function sendEvents(
  { liveMs, stopping, now }: DurableOptions,
  stream: DurableStream,
  after: number,
  cursor: string | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const signal = AbortSignal.any([AbortSignal.timeout(liveMs), stopping, gone(request)]);
  reply.type('text/event-stream').header('cache-control', 'no-cache');
  if (!isText(stream)) reply.header('stream-sse-data-encoding', 'base64');
  return reply.send(Readable.from(events()));

  async function* events(): AsyncGenerator<string> {
    let position = after;
    let told = false;
    for (;;) {
      // Asked before the read: what is appended in between is not missed.
      const waiting = new AbortController();
      const changed = stream.changed(AbortSignal.any([signal, waiting.signal]));
      const chunk = stream.read(position);
      if (chunk === 'retired') return waiting.abort();
      if (chunk.data.length > 0 || !told) {
        position = chunk.last;
        told = true;
        yield (chunk.data.length > 0 ? dataEvent(stream, chunk) : '') + control(chunk);
      }
      if (!chunk.end) waiting.abort();
      else await changed;
      if (signal.aborted) return;
    }
  }

  function control({ last, end }: DurableChunk): string {
    const fields = {
      streamNextOffset: offsetToken(stream.epoch, last),
      streamCursor: nextCursor(now(), cursor, Math.random()),
      ...(end && { upToDate: true }),
    };
    return `event: control\ndata:${JSON.stringify(fields)}\n\n`;
  }
}

function dataEvent(stream: DurableStream, chunk: DurableChunk): string {
  const text = isText(stream) ? body(stream, chunk).toString() : chunk.data.toString('base64');
  const lines = text.split(/\r\n|\r|\n/).map((line) => `data:${line}\n`);
  return `event: data\n${lines.join('')}\n`;
}

function readChunk(stream: DurableStream, after: number): DurableChunk {
  const chunk = stream.read(after);
  if (chunk === 'retired') throw new Problem('offset-retired', 'Entries past this offset have been retired.');
  return chunk;
}

function describe(reply: FastifyReply, stream: DurableStream, { last, end }: DurableChunk): FastifyReply {
  reply.type(stream.contentType).header('stream-next-offset', offsetToken(stream.epoch, last));
  return end ? reply.header('stream-up-to-date', 'true') : reply;
}

/** A JSON stream's entries as one array; another one's as they are. */
function body(stream: DurableStream, { data }: DurableChunk): Buffer {
  if (!isJson(stream)) return data;
  const entries = data
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  return Buffer.from(`[${entries.join(',')}]`);
}

/** @throws {Problem} invalid-request, or offset-retired for a position of another incarnation */
function positionOf(stream: DurableStream, offset: string | undefined): number {
  if (offset === undefined || offset === '-1') return -1;
  if (offset === 'now') return stream.tail();
  const position = parseOffsetToken(offset);
  if (position === undefined) throw wrong('offset', 'is no offset of this stream');
  if (position.epoch !== stream.epoch) {
    throw new Problem('offset-retired', 'The offset is of a stream that is no more.', {
      members: { epoch: stream.epoch },
    });
  }
  return position.after;
}

function oneEach({ offset, live, cursor }: Query) {
  for (const [name, value] of Object.entries({ offset, live, cursor })) {
    if (value !== undefined && typeof value !== 'string') throw wrong(name, 'is given more than once');
  }
  return { offset, live, cursor } as Readonly<Record<'offset' | 'live' | 'cursor', string | undefined>>;
}

function wrong(name: string, detail: string): Problem {
  return invalidField(`query/${name}`, detail);
}

function secure(reply: FastifyReply): void {
  reply.header('x-content-type-options', 'nosniff').header('cross-origin-resource-policy', 'cross-origin');
}

/** Aborted when the client closes its connection. */
function gone(request: FastifyRequest): AbortSignal {
  const abort = new AbortController();
  request.raw.socket.once('close', () => abort.abort());
  return abort.signal;
}

function isJson({ contentType }: DurableStream): boolean {
  return /^application\/json\b/i.test(contentType);
}

function isText(stream: DurableStream): boolean {
  return isJson(stream) || /^text\//i.test(stream.contentType);
}
