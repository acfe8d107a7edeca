/**
 * The thread of a consumer that writes to a disk of its own: appending waits for the disk, and the role's readers or
 * deliveries share the main thread's event loop.
 */
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { Claims } from '../claims/token.ts';
import type { Log } from '../log/log.ts';
import { openLog } from '../log/open.ts';
import type { LogSettings } from '../log/settings.ts';
import type { AskToken, ToThread } from './messages.ts';
import { TokenQuestions } from './token-questions.ts';

export interface ThreadContext<News> {
  readonly log: Log;
  /** Asks the main thread. @throws {TokenError} the token is none of ours */
  readonly claimsOf: (token: string) => Promise<Claims> | Claims;
  readonly tell: (news: News, transfer?: ArrayBuffer[]) => void;
}

export interface RunningConsumer {
  /** Rejects when it cannot go on. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Runs the consumer until the main thread says stop, or until it cannot go on: then this rejects, and the thread dies of it. */
export async function runConsumerThread<News>(
  settings: LogSettings,
  start: (context: ThreadContext<News>) => Promise<RunningConsumer>,
): Promise<void> {
  const port = parentPort as MessagePort;
  const tell = (message: News | AskToken, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const questions = new TokenQuestions((question, token) => tell({ kind: 'ask-token', question, token }));
  const stopped = Promise.withResolvers<void>();
  port.on('message', (message: ToThread) => {
    if (message.kind === 'token') questions.answer(message.question, message.answer);
    else stopped.resolve();
  });
  const log = await openLog(settings);
  try {
    const consumer = await start({ log, claimsOf: (token) => questions.claimsOf(token), tell });
    await Promise.race([stopped.promise, consumer.ended]);
    await consumer.stop();
  } finally {
    await log.close();
    port.close();
  }
}
