/** `GET /console`: a page to drop images on, to read the firehose with, and to see how the deployment is. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../../protocol/http/problem.ts';
import { type ConsoleFile, consoleFiles, contentSecurityPolicy } from './console-files.ts';

export async function registerConsole(server: FastifyInstance): Promise<void> {
  const files = consoleFiles();
  const index = files.get('page/index.html')!;
  const policy = contentSecurityPolicy(index);
  for (const path of ['/console', '/console/'])
    server.get(path, async (request, reply) => send(request, reply, index, policy));
  server.get<{ Params: { '*': string } }>('/console/*', async (request, reply) => {
    const file = files.get(request.params['*']);
    if (file === undefined) throw new Problem('not-found', 'The console has no such file.');
    return send(request, reply, file, policy);
  });
}

function send(request: FastifyRequest, reply: FastifyReply, file: ConsoleFile, policy: string): FastifyReply {
  reply.headers({
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    // Asked for each time, so that a new release is seen at once; unchanged files cost a 304.
    'cache-control': 'no-cache',
    etag: file.etag,
  });
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
  return reply.type(file.mediaType).send(file.content);
}
