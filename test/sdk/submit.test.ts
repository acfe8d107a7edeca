/** What `sluice submit` tells whoever waits for it; what a server does with the images is tested elsewhere. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunningCommand } from '../harness/run-command.ts';

const IMAGE = 'vision/samples/cat.jpg';
const RECEIPT = { transaction: 't', images: [{ image: 'i', media_type: 'image/jpeg', width: 1, height: 1, size: 1 }] };
const REFUSAL = { type: '/problems/invalid-image', title: 'Not an image', status: 422, detail: 'None of them.' };

let server: Server;
let url: string;
const answered = new Set<string>();

beforeAll(async () => {
  // Breaks off the first try of each submission, takes images in, refuses everything else.
  server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key']);
    if (!answered.has(key)) {
      answered.add(key);
      return void request.socket.destroy();
    }
    request.resume().once('end', () => {
      const isImage = request.url!.endsWith('.jpg');
      response.writeHead(isImage ? 202 : 422, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isImage ? RECEIPT : REFUSAL));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('a try that failed is told, and of several files the one that is refused', async () => {
  const command = new RunningCommand(['submit', IMAGE, 'README.md', IMAGE, '--url', url, '--token', 'x']);
  expect(await command.ended).toBe(1);
  expect(command.stderr).toMatch(/^sluice: http\S+ cannot be reached \(.+\); again in [\d.]+ s$/m);
  expect(command.stderr).toMatch(/^sluice: README\.md: 422 Not an image: None of them\.$/m);
  // What was taken in before it is known; nothing is sent after it.
  expect(command.lines.map((line) => JSON.parse(line).file)).toEqual([IMAGE]);
});
