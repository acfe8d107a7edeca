/**
 * Takes an HTTP/1.1 connection over from Node's HTTP server, for good.
 *
 * A connection that is served by it keeps its parser, both message objects with the request's headers, and their listeners
 * until it ends: five times what the socket alone needs. A stream that may stay open for days needs none of them any more.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

/**
 * Waits for the end of a request without a body, which nobody has read yet, and for the parser to be done with it.
 * A body that is still on its way is left alone.
 */
export async function readToEnd(request: IncomingMessage): Promise<void> {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  if (!request.readableEnded && length === '0' && coding === undefined) request.resume();
  await turn();
}

/**
 * @returns the socket. Where the request has been read whole it belongs to nobody else any more: nothing listens to it,
 *   what still comes in is thrown away. It is destroyed where another request had been sent behind
 *   this one already, unasked for an answer. A connection over TLS, and one whose body is still open, stays with the server.
 */
export function takeConnection(request: IncomingMessage, response: ServerResponse): Socket {
  const { socket } = request;
  // Sent behind another request that is not answered yet: what is written would get in between that answer's bytes.
  if (response.socket !== socket) return socket.destroy();
  if (socket.destroyed || 'encrypted' in socket || !request.complete || !request.readableEnded) return socket;
  // To the server the connection is over: it frees the parser and closes both messages.
  socket.emit('close', false);
  response.detachSocket(socket);
  for (const event of socket.eventNames()) socket.removeAllListeners(event);
  // A request that was sent behind this one is aborted with an error, which destroys the socket: left unheard it would end
  // the process.
  if (socket.destroyed) socket.on('error', () => {});
  return socket.resume();
}
