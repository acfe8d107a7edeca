/**
 * The public conformance suite of Durable Streams against the read side of the facade, on a real journal. Creating and
 * appending exist only here: in Sluice messages come from results-1.
 */
import { createHash } from 'node:crypto';
import { runConformanceTests } from '@durable-streams/server-conformance-tests';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { openJournalReader } from '../../journal/reader.ts';
import { type TemporaryFolder, temporaryFolder } from '../../journal/testing/temporary-folder.ts';
import { openJournalWriter } from '../../journal/writer.ts';
import { Problem } from '../../protocol/http/problem.ts';
import { createHttpServer, type HttpServer } from '../../protocol/http/server.ts';
import { LiveTail } from '../stream/live-tail.ts';
import { registerDurableRoutes } from './durable-routes.ts';
import { journalStream } from './durable-stream.ts';
import { offsetToken } from './offset-token.ts';

/** What the facade has a part in: reading. The rest of the suite is about writing, lifetimes, closing and forking. */
const READ_SIDE =
  /Read Operations|Long-Poll|HTTP Protocol|Browser Security Headers|HEAD Metadata|Offset Validation|Caching and ETag|Chunking|Read-Your-Writes|SSE Mode|JSON Mode|Byte-Exactness|Immutability/;
const WRITE_SIDE =
  /TTL|Expires|Stream-Seq|seq|sequence|idempotent|PUT|POST|append|concurrent|create|delete|conflict|case-insensitive content|Content-Type mismatch|[Ff]ork|close/;

const LONG_POLL_MS = 500;
const config = { baseUrl: '', longPollTimeoutMs: LONG_POLL_MS };

let folder: TemporaryFolder;
let server: HttpServer;
let stop: () => void;

beforeAll(async () => {
  folder = temporaryFolder();
  ({ server, stop } = appendableServer(folder.path));
  config.baseUrl = await server.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await server.close();
  stop();
  folder[Symbol.dispose]();
});

describe('read side', () => {
  beforeEach(({ task, skip }) => {
    const suite = task.suite?.name ?? '';
    const outer = task.suite?.suite?.name ?? '';
    if (!READ_SIDE.test(`${outer} ${suite}`) || WRITE_SIDE.test(task.name)) skip();
  });
  runConformanceTests(config);
});

function appendableServer(path: string) {
  const epoch = 'test';
  const writer = openJournalWriter(path, { epoch, now: 0 });
  const reader = openJournalReader(path);
  const tail = new LiveTail();
  const stopping = new AbortController();
  /** Content types by stream. A stream that is deleted and made anew goes by another name in the journal. */
  const streams = new Map<string, { contentType: string; client: string }>();
  let offset = 0;
  let made = 0;

  const edge = createHttpServer({
    logger: pino({ level: 'silent' }) as never,
    bodyLimit: 64 << 20,
    drainMs: 100,
    corsOrigins: ['*'],
  });
  edge.removeAllContentTypeParsers();
  edge.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  const known = (request: FastifyRequest) => {
    const found = streams.get(request.url.split('?')[0]!);
    if (found === undefined) throw new Problem('not-found', 'There is no such stream.');
    return found;
  };
  const append = ({ client, contentType }: { client: string; contentType: string }, body: Buffer) => {
    const entries = split(contentType, body).map((data) => ({
      client,
      offset: ++offset,
      time: 0,
      messageId: createHash('sha1').update(`${offset}`).digest('hex'),
      type: 'test',
      transaction: 't',
      labels: [],
      confidence: null,
      frame: () => data,
    }));
    if (entries.length === 0) return;
    const { segments } = writer.appendBatch({ entries, position: offset + 1, epoch, now: 0 });
    for (const segment of segments) tail.appended(segment);
  };
  const answer = (reply: FastifyReply, status: number, { client }: { client: string }) =>
    reply
      .code(status)
      .header('stream-next-offset', offsetToken(epoch, reader.head(client)))
      .header('x-content-type-options', 'nosniff')
      .header('cross-origin-resource-policy', 'cross-origin')
      .send();

  edge.put('/*', async (request, reply) => {
    const contentType = request.headers['content-type'] ?? 'application/octet-stream';
    const path = request.url.split('?')[0]!;
    const existing = streams.get(path);
    if (existing !== undefined) {
      const same = existing.contentType.toLowerCase() === contentType.toLowerCase();
      return answer(reply.type(existing.contentType), same ? 200 : 409, existing);
    }
    const stream = { contentType, client: `${++made}` };
    const body = request.body as Buffer | undefined;
    if (body !== undefined && body.length > 0) append(stream, body);
    streams.set(path, stream);
    return answer(reply.type(contentType).header('location', `${config.baseUrl}${path}`), 201, stream);
  });
  edge.post('/*', async (request, reply) => {
    const stream = known(request);
    const type = request.headers['content-type']?.toLowerCase().split(';')[0];
    if (type !== stream.contentType.toLowerCase().split(';')[0]) return reply.code(409).send();
    const body = request.body as Buffer | undefined;
    if (body === undefined || body.length === 0) throw new Problem('invalid-request', 'There is nothing to append.');
    if (/json/.test(stream.contentType) && split(stream.contentType, body).length === 0)
      throw new Problem('invalid-request', 'There is nothing to append.');
    append(stream, body);
    return answer(reply, 204, stream);
  });
  edge.delete('/*', async (request, reply) => {
    known(request);
    streams.delete(request.url.split('?')[0]!);
    return reply.code(204).send();
  });
  registerDurableRoutes(edge, {
    path: '/*',
    async streamOf(request) {
      const { client, contentType } = known(request);
      return journalStream(() => reader, client, { epoch, contentType, tail });
    },
    longPollMs: LONG_POLL_MS,
    liveMs: 3_000,
    stopping: stopping.signal,
    now: Date.now,
  });
  edge.addHook('preClose', async () => stopping.abort());
  return {
    server: edge,
    stop: () => {
      reader.close();
      writer.close();
    },
  };
}

function split(contentType: string, body: Buffer): Buffer[] {
  if (!/^application\/json/i.test(contentType)) return [body];
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (cause) {
    throw new Problem('invalid-request', 'This is not JSON.', { cause });
  }
  return (Array.isArray(value) ? value : [value]).map((item) => Buffer.from(`${JSON.stringify(item)}\n`));
}
