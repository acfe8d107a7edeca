/** Repeats what may succeed later, with growing pauses, until a deadline. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LogUnavailableError } from '../errors.ts';
import { KafkaFault } from './fault.ts';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1000;

/** @throws {LogUnavailableError} faults went on until the deadline, or one that retrying cannot mend; and whatever is no fault */
export async function retryFaults<T>(deadlineMs: number, action: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof KafkaFault)) throw error;
      if (!error.retriable || performance.now() + pause > deadline)
        throw new LogUnavailableError(error.message, { cause: error });
      await sleep(pause * (0.5 + Math.random() / 2));
    }
  }
}
