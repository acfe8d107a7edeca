/** Answers what never became a request: bytes that are not HTTP, headers without an end, requests that do not arrive in time. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import { newMessageId } from '../message-id.ts';
import { PROBLEM_MEDIA_TYPE, Problem } from './problem.ts';

type AnyRequest = IncomingMessage | Http2ServerRequest;
type ClientError = Error & { readonly code?: string; readonly reason?: string };

/** Requests, and the connections of those over HTTP/1.1, that have no end on purpose: a stream that is controlled by its open body. */
const openEnded = new WeakSet<object>();

/** This request may take as long as it likes to arrive whole. */
export function allowOpenEndedRequest(request: AnyRequest): void {
  openEnded.add(request);
  if (request.httpVersionMajor === 1) openEnded.add(request.socket);
}

export function isOpenEnded(request: AnyRequest): boolean {
  return openEnded.has(request);
}

/** Whether the sender went before its request had arrived whole. Over HTTP/2 such a request counts as complete all the same. */
export function brokeOff(request: AnyRequest): boolean {
  return request.httpVersionMajor === 1
    ? request.destroyed && !request.complete
    : (request as Http2ServerRequest).aborted;
}

export function answerClientError(error: ClientError, socket: Socket, logger: FastifyBaseLogger): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && openEnded.has(socket)) return;
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  // In the middle of an answer another one would be read as its content.
  if (socket.writable && !isAnswering(socket)) {
    const request = newMessageId(Date.now());
    const problem = problemOf(error);
    logger.debug({ request, err: error, status: problem.status }, 'what came was no request');
    socket.write(answer({ ...problem.toJSON(), request }, problem.status));
  }
  socket.destroy(error);
}

/** Node keeps the response in progress at its socket, and decides by it in its own handler too. */
function isAnswering(socket: Socket): boolean {
  const { _httpMessage: response } = socket as Socket & { readonly _httpMessage?: ServerResponse };
  return response?.headersSent === true || openEnded.has(socket);
}

function problemOf({ code, reason }: ClientError): Problem {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request-timeout', 'The request did not arrive in time.');
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('headers-too-large', 'The path and the headers together are too large.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem('payload-too-large', 'The extensions of a chunk are too large.');
    default:
      return new Problem('invalid-request', `This is not HTTP${reason === undefined ? '' : `: ${reason}`}.`);
  }
}

function answer(problem: object, status: number): string {
  const body = JSON.stringify(problem);
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
  );
}
