/**
 * The receiver of the push benchmark, in a process of its own: takes requests, counts them, answers 204.
 *
 * Told to expect so many, it says when the first and the last of them came, and how many of their ids are distinct.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ToSink = { readonly kind: 'expect'; readonly requests: number };
export type FromSink =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'expecting' }
  | {
      readonly kind: 'received';
      readonly seconds: number;
      readonly distinct: number;
      readonly bytes: number;
      /** Opened since the word before. */
      readonly opened: number;
    };

let expected = Number.POSITIVE_INFINITY;
let ids: string[] = [];
let bytes = 0;
let began = 0;
let opened = 0;

const say = (message: FromSink) => process.send!(message);

const server = createServer((request, response) => {
  if (ids.length === 0) began = performance.now();
  ids.push(request.headers['webhook-id'] as string);
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on('end', () => {
    response.writeHead(204).end();
    if (ids.length < expected) return;
    const seconds = (performance.now() - began) / 1000;
    say({ kind: 'received', seconds, distinct: new Set(ids).size, bytes, opened });
    opened = 0;
    expected = Number.POSITIVE_INFINITY;
  });
});
server.on('connection', () => {
  opened += 1;
});
// Connections are the sender's to close: one that we close under a request would count as a failure of the sender.
server.keepAliveTimeout = 0;
process.on('message', (message: ToSink) => {
  expected = message.requests;
  ids = [];
  bytes = 0;
  say({ kind: 'expecting' });
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => say({ kind: 'listening', port: (server.address() as AddressInfo).port }));
