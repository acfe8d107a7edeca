/** A server that answers each request of a test as the test says, and the frames to answer with. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createClient } from '../client.ts';

export type Script = (
  response: ServerResponse,
  body: { from: unknown; on_gap: string },
  request: IncomingMessage,
) => void;

/** Answers the n-th request by the n-th script, further ones by the last; to the end of the test that asks for it. */
export async function serve(...scripts: Script[]) {
  const bodies: { from: unknown; on_gap: string }[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    bodies.push(JSON.parse(text));
    scripts[Math.min(bodies.length, scripts.length) - 1]!(response, bodies.at(-1)!, request);
  });
  onTestFinished(() => server.close().closeAllConnections());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { bodies, port, client: createClient({ url: `http://127.0.0.1:${port}`, token: 'secret' }) };
}

export const hello = (offset: number, more: object = {}) => ({
  kind: 'hello',
  stream: 's',
  epoch: 'e1',
  offset,
  earliest: 0,
  latest: 9,
  rate: { messages: null, bytes: null },
  heartbeat_ms: 60_000,
  ...more,
});
export const message = (offset: number, prev: number) => ({ kind: 'message', offset, prev, type: 'x', payload: {} });
export const goodbye = (reason: string, terminal: boolean, offset = 0) => ({
  kind: 'goodbye',
  reason,
  terminal,
  epoch: 'e1',
  offset,
  retry_after_ms: 1,
});
export const write = (response: ServerResponse, ...frames: object[]) =>
  response.write(frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''));
