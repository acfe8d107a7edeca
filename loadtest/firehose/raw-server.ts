/** The limit of catch-up: a Node HTTP server that writes buffers of 256 KiB which it has had all along. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FromServer, ToServer } from './messages.ts';

const CHUNK_BYTES = 256 * 1024;
const messages = Number(process.argv[2]);
const bytes = Number(process.argv[3]);
const line = `${'x'.repeat(bytes - 1)}\n`;
const perChunk = Math.floor(CHUNK_BYTES / bytes);
const chunk = Buffer.from(line.repeat(perChunk));

const server = createServer((_request, response) => {
  let left = messages;
  const more = () => {
    while (left > 0) {
      const part = Math.min(left, perChunk);
      left -= part;
      if (!response.write(part === perChunk ? chunk : chunk.subarray(0, part * bytes))) return;
    }
    response.end();
  };
  response.on('drain', more);
  more();
});
server.listen(0, '127.0.0.1', () => {
  say({ kind: 'listening', port: (server.address() as AddressInfo).port, token: {} });
});
process.on('message', (message: ToServer) => {
  const { user, system } = process.cpuUsage();
  if (message.kind === 'usage') {
    say({ kind: 'usage', rssBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 });
  }
});

function say(message: FromServer): void {
  process.send!(message);
}
