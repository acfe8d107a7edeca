/**
 * The HTTP edge that roles hang their routes on: fastify with typed schemas, problem details for every error and
 * a log line with a request id for every request.
 */
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import Value from 'typebox/value';
import { newMessageId } from '../message-id.ts';
import { collectMethods } from './allowed-methods.ts';
import { answerClientError, brokeOff } from './client-errors.ts';
import { registerCors } from './cors.ts';
import { createListener, type TlsFiles, type Waits } from './listener.ts';
import { invalidField, PROBLEM_MEDIA_TYPE, Problem } from './problem.ts';
import { cutSlowStreams, handleEarlyAnswers } from './request-body.ts';
import { HttpSettings } from './settings.ts';
import { validationProblem } from './validation-problem.ts';

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

/** Characters that a name in a path may have. */
const MAX_NAME_LENGTH = 256;

/** What reading says of a request whose sender has gone. */
const BROKEN_OFF: ReadonlySet<string> = new Set(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE']);

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
    routerOptions: { maxParamLength: MAX_NAME_LENGTH },
    frameworkErrors: (error, request, reply) => void sendProblem(pathProblem(error), request, reply),
    // On shutdown idle keep-alive connections are closed at once; those in a request finish it.
    forceCloseConnections: 'idle',
  }).withTypeProvider<TypeBoxTypeProvider>();
  server.setValidatorCompiler(TypeBoxValidatorCompiler);
  acceptJson(server);
  server.setErrorHandler((error: FastifyError, request, reply) =>
    sendProblem(asProblem(error, request), request, reply, error),
  );
  const methodsOf = collectMethods(server);
  server.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!;
    const methods = methodsOf(path);
    if (methods.length === 0 || methods.includes(request.method))
      return sendProblem(new Problem('not-found', `${request.method} ${path} is not served here.`), request, reply);
    const detail = `${path} is served by ${methods.join(', ')}, not by ${request.method}.`;
    return sendProblem(new Problem('method-not-allowed', detail), request, reply.header('allow', methods.join(', ')));
  });
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

/** JSON alone, where a route says nothing else. No content is no body, also where many clients name its type all the same. */
function acceptJson(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body, done);
  });
}

/** A path that cannot be looked up among the routes. */
function pathProblem(error: FastifyError): Problem {
  const detail =
    error.code === 'FST_ERR_MAX_PARAM_LENGTH'
      ? `has a name of more than ${MAX_NAME_LENGTH} characters in it`
      : 'is not well-formed: % and two hexadecimal digits stand for a byte of UTF-8';
  return invalidField('path', detail, error);
}

function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply, cause?: unknown): FastifyReply {
  if (problem.status >= 500) request.log[levelOf(problem, cause)]({ err: cause ?? problem }, problem.message);
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds));
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(problem.status)
    .type(PROBLEM_MEDIA_TYPE)
    .send(Buffer.from(JSON.stringify({ ...problem.toJSON(), request: request.id })));
}

/** Turning work away for a while is no fault: metrics count it, and a line for each would be load upon load. */
function levelOf(problem: Problem, thrown: unknown): 'debug' | 'error' {
  const meant = problem.cause === undefined && (thrown === undefined || thrown === problem);
  return problem.status === 503 && meant ? 'debug' : 'error';
}

/** The problem behind anything that a handler or fastify itself may throw. */
function asProblem(error: FastifyError, request: FastifyRequest): Problem {
  const { raw } = request;
  if (error instanceof Problem) return error;
  if (error.validation !== undefined) return validationProblem(error, request);
  // Nobody reads the answer any more; it is told from faults of ours in logs and metrics.
  if (BROKEN_OFF.has(error.code) && brokeOff(raw))
    return new Problem('request-timeout', 'The request broke off before it had arrived whole.', { cause: error });
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
    case 'FST_REQ_FILE_TOO_LARGE':
      return new Problem('payload-too-large', `${error.message}.`, {
        members: { limit: request.routeOptions.bodyLimit },
        cause: error,
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return unsupported(error, request);
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return new Problem('invalid-request', error.message, { cause: error });
  return new Problem('internal-error', 'The request could not be completed.', { cause: error });
}

function unsupported(cause: FastifyError, { headers }: FastifyRequest): Problem {
  const detail = `'${headers['content-type'] ?? ''}' is not accepted here; send application/json`;
  return new Problem('unsupported-media-type', `Content-Type: ${detail}.`, {
    members: { accepted: ['application/json'], errors: [{ field: 'header/content-type', detail }] },
    cause,
  });
}
