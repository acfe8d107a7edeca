/** The journaler's thread: appending waits for the disk, and deliveries share the main thread's event loop. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { openLog } from '../../protocol/log/open.ts';
import { startJournaler } from './journaler.ts';
import type { FromJournaler, JournalerOptions, ToJournaler } from './messages.ts';
import { TokenQuestions } from './token-questions.ts';

const port = parentPort as MessagePort;
const options = workerData as JournalerOptions;

const tell = (message: FromJournaler) => port.postMessage(message);
const questions = new TokenQuestions((question, token) => tell({ kind: 'ask-token', question, token }));
const stopped = Promise.withResolvers<void>();
port.on('message', (message: ToJournaler) => {
  if (message.kind === 'token') questions.answer(message.question, message.answer);
  else stopped.resolve();
});

const log = await openLog(options.log);
try {
  const journaler = await startJournaler(
    { log, openToken: (token) => questions.claimsOf(token), tell, now: Date.now },
    options,
  );
  await Promise.race([stopped.promise, journaler.ended]);
  await journaler.stop();
} finally {
  await log.close();
  port.close();
}
