/** Push's journaler, in a thread of its own. */
import { workerData } from 'node:worker_threads';
import { startTracing } from '../../protocol/telemetry/tracing.ts';
import { runConsumerThread } from '../../protocol/thread/consumer-thread.ts';
import { startJournaler } from './journaler.ts';
import type { FromJournaler, JournalerOptions } from './messages.ts';

const options = workerData as JournalerOptions;

// A thread has tracing of its own.
const tracing = options.telemetry && startTracing(options.telemetry);
await runConsumerThread<FromJournaler>(options.log, ({ log, claimsOf, tell }) =>
  startJournaler({ log, openToken: claimsOf, tell, now: Date.now }, options),
);
await tracing?.stop();
