/**
 * One request over one connection, and the answer to it.
 *
 * kafkajs would copy a request three times, into ever larger buffers of its own; here its pieces go to the socket as they
 * are, so that a batch of images is not copied again. What kafkajs knows of a connection stays in use: until when it is
 * authenticated, the numbers of its requests, their deadlines, and the answers.
 */
import type { Socket } from 'node:net';
import type { Connection } from 'kafkajs/src/network/connectionPool.js';
import { KafkaFault } from './fault.ts';
import type { KafkaRequest } from './requests.ts';
import { WireWriter } from './wire.ts';

/**
 * @param connection a connected one
 * @param timeoutMs how long the answer may take
 * @throws {KafkaFault} CONNECTION: it has broken meanwhile. @throws {Error} of kafkajs: it broke, or the answer took too long
 */
export async function exchange<T>(connection: Connection, request: KafkaRequest<T>, timeoutMs: number): Promise<T> {
  const { apiKey, version: apiVersion, name: apiName, body } = request;
  await connection.authenticate(); // does nothing unless it has run out
  if (!connection.isConnected()) throw new KafkaFault('CONNECTION', 'not connected', true);
  const correlationId = connection.nextCorrelationId();
  const header = new WireWriter().int16(apiKey).int16(apiVersion).int32(correlationId).string(connection.clientId);
  const frame = new WireWriter()
    .int32(header.length + body.length)
    .all(header)
    .all(body);
  const { payload } = await new Promise<{ payload: Buffer }>((resolve, reject) => {
    connection.requestQueue.push({
      entry: { apiKey, apiName, apiVersion, correlationId, resolve, reject },
      expectResponse: true,
      requestTimeout: timeoutMs,
      sendRequest: () => write(connection.socket!, frame.pieces()),
    });
  });
  return request.decode(payload);
}

/** In one call of the kernel, where the socket is ready. One that has broken meanwhile tells the connection, which rejects. */
function write(socket: Socket, pieces: readonly Buffer[]): void {
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
}
