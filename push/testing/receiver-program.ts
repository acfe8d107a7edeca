/** A receiver of webhooks in a process of its own, which behaves on each path as it is told, and remembers what it got. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { Behaviour, FromReceiver, ReceivedRequest, ToReceiver } from './behaviour.ts';

const ACCEPT: Behaviour = { kind: 'accept' };
const behaviours = new Map<string, Behaviour>();
const verifiers = new Map<string, Webhook[]>();
const received = new Map<string, ReceivedRequest[]>();
const underWay = new Map<string, number>();
const failed = new Map<string, number>();

const key = readFileSync(new URL('./receiver-key.pem', import.meta.url));
const cert = readFileSync(new URL('./receiver-certificate.pem', import.meta.url));

const say = (message: FromReceiver) => process.send!(message);

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url!;
  const concurrent = (underWay.get(path) ?? 0) + 1;
  underWay.set(path, concurrent);
  response.on('close', () => underWay.set(path, underWay.get(path)! - 1));
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  if (request.method === 'OPTIONS') return answerHandshake(path, request, response);
  const text = Buffer.concat(chunks).toString();
  const behaviour = behaviours.get(path) ?? ACCEPT;
  const accepted = accepts(path, behaviour, text);
  const list = received.get(path) ?? [];
  received.set(path, list);
  list.push({
    path,
    id: String(request.headers['webhook-id']),
    signed: isSigned(path, text, request),
    signatures: String(request.headers['webhook-signature']).split(' ').length,
    accepted,
    body: JSON.parse(text),
    concurrent,
    at: Date.now(),
  });
  answer(response, behaviour, accepted);
}

function answerHandshake(path: string, request: IncomingMessage, response: ServerResponse): void {
  const behaviour = behaviours.get(path) ?? ACCEPT;
  if (behaviour.kind === 'status') response.writeHead(behaviour.status, behaviour.headers);
  else response.setHeader('WebHook-Allowed-Origin', String(request.headers['webhook-request-origin']));
  response.end();
}

function accepts(path: string, behaviour: Behaviour, text: string): boolean {
  switch (behaviour.kind) {
    case 'accept':
    case 'big':
      return true;
    case 'status':
      return behaviour.status >= 200 && behaviour.status < 300;
    case 'poison':
      return !text.includes(behaviour.containing);
    case 'fail-first': {
      const count = failed.get(path) ?? 0;
      failed.set(path, count + 1);
      return count >= behaviour.times;
    }
    default:
      return false;
  }
}

function isSigned(path: string, text: string, request: IncomingMessage): boolean | undefined {
  const all = verifiers.get(path);
  if (all === undefined) return undefined;
  return all.every((verifier) => {
    try {
      verifier.verify(text, request.headers as Record<string, string>);
      return true;
    } catch {
      return false;
    }
  });
}

function answer(response: ServerResponse, behaviour: Behaviour, accepted: boolean): void {
  switch (behaviour.kind) {
    case 'accept':
      setTimeout(() => response.writeHead(204).end(), behaviour.delayMs ?? 0);
      break;
    case 'status':
      response.writeHead(behaviour.status, behaviour.headers).end('no');
      break;
    case 'poison':
    case 'fail-first':
      response.writeHead(accepted ? 204 : 500).end();
      break;
    case 'hang':
      break;
    case 'drip': {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 50);
      response.on('close', () => clearInterval(timer));
      break;
    }
    case 'reset':
      response.socket!.resetAndDestroy();
      break;
    case 'big':
      response.writeHead(200).end(Buffer.alloc(behaviour.bytes, 'x'));
      break;
    case 'garbage':
      response.socket!.end('this is not HTTP\r\n\r\n');
  }
}

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

process.on('message', (message: ToReceiver) => {
  if (message.kind === 'behave') behaviours.set(message.path, message.behaviour);
  else if (message.kind === 'secrets')
    verifiers.set(
      message.path,
      message.secrets.map((secret) => new Webhook(secret)),
    );
  else
    say({
      kind: 'report',
      question: message.question,
      requests: (received.get(message.path) ?? []).slice(message.from),
    });
});
process.on('disconnect', () => process.exit());

const onRequest = (request: IncomingMessage, response: ServerResponse) => {
  // What is cut off on purpose is no fault of the test.
  handle(request, response).catch(() => response.destroy());
};
say({
  kind: 'listening',
  http: await listen(createServer(onRequest)),
  https: await listen(createTlsServer({ key, cert }, onRequest)),
  mtls: await listen(createTlsServer({ key, cert, ca: cert, requestCert: true, rejectUnauthorized: true }, onRequest)),
});
