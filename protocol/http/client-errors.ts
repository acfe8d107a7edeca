/** Answers what never became a request: bytes that are not HTTP, headers without an end, requests that do not arrive in time. */
import type { Socket } from 'node:net';
import { PROBLEM_MEDIA_TYPE, Problem } from './problem.ts';

/** Connections whose request has no end on purpose: a stream that is controlled by its open body. */
const openEnded = new WeakSet<object>();

/** The request on this connection may take as long as it likes to arrive whole. */
export function allowOpenEndedRequest(socket: object): void {
  openEnded.add(socket);
}

export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && openEnded.has(socket)) return;
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable && !openEnded.has(socket)) socket.write(answer(problemOf(error.code)));
  socket.destroy(error);
}

function problemOf(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem('request-timeout', 'The request did not arrive in time.');
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem('payload-too-large', 'The headers are too large.');
  return new Problem('invalid-request', 'This is not HTTP.');
}

function answer(problem: Problem): string {
  const body = JSON.stringify(problem);
  return (
    `HTTP/1.1 ${problem.status} Bad Request\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
  );
}
