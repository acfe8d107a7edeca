/**
 * The HTTP edge that roles hang their routes on: fastify with typed schemas, problem details for every error and
 * a log line with a request id for every request.
 */
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import Value from 'typebox/value';
import { newMessageId } from '../message-id.ts';
import { answerClientError } from './client-errors.ts';
import { registerCors } from './cors.ts';
import { createListener, type TlsFiles, type Waits } from './listener.ts';
import { type FieldError, PROBLEM_MEDIA_TYPE, Problem } from './problem.ts';
import { cutSlowStreams, handleEarlyAnswers } from './request-body.ts';
import { HttpSettings } from './settings.ts';

export interface HttpServerOptions {
  readonly logger: FastifyBaseLogger;
  /** Bytes that a body may have where its route does not say otherwise. */
  readonly bodyLimit: number;
  /** How long clients are waited for. Default: as in HttpSettings. */
  readonly waits?: Waits;
  /** How long requests that are there at shutdown may go on before their connections are cut. Default 10,000 ms. */
  readonly drainMs?: number;
  /** Serve HTTPS with these. Default: plain HTTP. */
  readonly tls?: TlsFiles;
  /** Origins whose pages may read answers; `*` for all. Default: none. */
  readonly corsOrigins?: readonly string[];
}

export type HttpServer = ReturnType<typeof createHttpServer>;

export function createHttpServer(options: HttpServerOptions) {
  const waits = options.waits ?? (Value.Default(HttpSettings, {}) as HttpSettings);
  const server = fastify({
    loggerInstance: options.logger,
    bodyLimit: options.bodyLimit,
    serverFactory: (handler) => createListener(handler as never, options.tls, waits),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, options.logger),
    genReqId: () => newMessageId(Date.now()),
    logController: new LogController({ requestIdLogLabel: 'request', disableRequestLogging: true }),
    routerOptions: { maxParamLength: 256 },
    // On shutdown idle keep-alive connections are closed at once; those in a request finish it.
    forceCloseConnections: 'idle',
  }).withTypeProvider<TypeBoxTypeProvider>();
  server.setValidatorCompiler(TypeBoxValidatorCompiler);
  server.setErrorHandler((error: FastifyError, request, reply) =>
    sendProblem(asProblem(error, request), request, reply, error),
  );
  server.setNotFoundHandler((request, reply) =>
    sendProblem(
      new Problem('not-found', `${request.method} ${request.url.split('?')[0]} is not served here`),
      request,
      reply,
    ),
  );
  let closing = false;
  server.addHook('preClose', async () => {
    closing = true;
    setTimeout(() => server.server.closeAllConnections(), options.drainMs ?? 10_000).unref();
  });
  server.addHook('onSend', async ({ raw }, reply) => {
    // The sender of the last request on this connection takes its next one elsewhere, and need not be cut off.
    if (closing && raw.httpVersionMajor === 1) reply.header('connection', 'close');
  });
  registerCors(server, options.corsOrigins ?? []);
  handleEarlyAnswers(server);
  cutSlowStreams(server, waits.requestTimeoutMs);
  server.addHook('onResponse', async (request, reply) => {
    request.log.debug(
      { method: request.method, url: request.url, status: reply.statusCode, ms: reply.elapsedTime },
      'request',
    );
  });
  return server;
}

function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply, cause?: unknown): FastifyReply {
  if (problem.status >= 500) request.log.error({ err: cause ?? problem }, problem.message);
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds));
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(problem.status)
    .type(PROBLEM_MEDIA_TYPE)
    .send(Buffer.from(JSON.stringify({ ...problem.toJSON(), request: request.id })));
}

/** The problem behind anything that a handler or fastify itself may throw. */
function asProblem(error: FastifyError, { raw }: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (error.validation !== undefined) return invalid(error);
  // Nobody reads the answer any more; it is told from faults of ours in logs and metrics.
  if (error.code === 'ECONNRESET' && raw.destroyed && !raw.complete)
    return new Problem('request-timeout', 'The request broke off before it had arrived whole.', { cause: error });
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
    case 'FST_REQ_FILE_TOO_LARGE':
      return new Problem('payload-too-large', error.message, { cause: error });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem('unsupported-media-type', error.message, { cause: error });
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return new Problem('invalid-request', error.message, { cause: error });
  return new Problem('internal-error', 'The request could not be completed.', { cause: error });
}

/** What fastify calls the parts of a request, and how FieldError.field names them. */
const PLACES: Readonly<Record<string, string>> = { params: 'path', querystring: 'query', headers: 'header' };

function invalid(error: FastifyError): Problem {
  const place = PLACES[error.validationContext ?? 'body'] ?? '';
  const errors: FieldError[] = (error.validation ?? []).map((found) => ({
    field: `${place}${found.instancePath}` || '/',
    detail: `${found.message ?? 'is not acceptable'}${allowed(found.params)}`,
  }));
  return new Problem('invalid-request', errors.map(({ field, detail }) => `${field} ${detail}`).join('; '), {
    members: { errors },
  });
}

function allowed(params: Record<string, unknown>): string {
  const names = params.allowedValues ?? params.additionalProperties ?? params.requiredProperties;
  return Array.isArray(names) ? `: ${names.join(', ')}` : '';
}
