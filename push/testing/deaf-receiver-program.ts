/** A receiver whose backlog is as small as it may be: stopped by a signal, it soon answers no connect any more. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(204).end());
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => process.send!((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
