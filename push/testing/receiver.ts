/** Runs the receiver program and speaks with it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Behaviour, FromReceiver, ReceivedRequest, ToReceiver } from './behaviour.ts';

export interface Receiver {
  readonly http: string;
  /** With a certificate that no authority vouches for (receiver-certificate.pem). */
  readonly https: string;
  /** Asks for that certificate from its clients, too. */
  readonly mtls: string;
  behave(path: string, behaviour: Behaviour): void;
  /** Signatures on the path are verified with each of these. */
  expectSecrets(path: string, secrets: readonly string[]): void;
  /** What came to the path, the first `from` requests left out. */
  received(path: string, from?: number): Promise<readonly ReceivedRequest[]>;
  /** Waits until `enough` says so of what came to the path. @throws after the time-out, with what there was */
  until(
    path: string,
    enough: (requests: readonly ReceivedRequest[]) => boolean,
    timeoutMs?: number,
  ): Promise<readonly ReceivedRequest[]>;
  stop(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const child = fork(fileURLToPath(new URL('./receiver-program.ts', import.meta.url)), { execPath: process.execPath });
  const questions = new Map<number, (requests: readonly ReceivedRequest[]) => void>();
  let asked = 0;
  const [listening] = (await once(child, 'message')) as [Extract<FromReceiver, { kind: 'listening' }>];
  child.on('message', (message: FromReceiver) => {
    if (message.kind === 'report') questions.get(message.question)?.(message.requests);
  });
  const say = (message: ToReceiver) => child.send(message);
  const received = (path: string, from = 0) =>
    new Promise<readonly ReceivedRequest[]>((resolve) => {
      const question = asked++;
      questions.set(question, (requests) => {
        questions.delete(question);
        resolve(requests);
      });
      say({ kind: 'report', question, path, from });
    });
  return {
    http: `http://127.0.0.1:${listening.http}`,
    https: `https://127.0.0.1:${listening.https}`,
    mtls: `https://127.0.0.1:${listening.mtls}`,
    behave: (path, behaviour) => say({ kind: 'behave', path, behaviour }),
    expectSecrets: (path, secrets) => say({ kind: 'secrets', path, secrets }),
    received,
    async until(path, enough, timeoutMs = 60_000) {
      const deadline = Date.now() + timeoutMs;
      const all: ReceivedRequest[] = [];
      for (;;) {
        all.push(...(await received(path, all.length)));
        if (enough(all)) return all;
        if (Date.now() > deadline)
          throw new Error(
            `after ${timeoutMs} ms ${path} has got ${all.length} requests: ${JSON.stringify(all.slice(-3))}`,
          );
        await sleep(20);
      }
    },
    async stop() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

/** The offsets of messages that were accepted, in the order in which they came. Mode full. */
export function acceptedOffsets(requests: readonly ReceivedRequest[]): number[] {
  return requests.filter(({ accepted }) => accepted).map(({ body }) => body.offset);
}
