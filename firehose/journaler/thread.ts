/** The firehose's journaler, in a thread of its own. */
import { workerData } from 'node:worker_threads';
import { runConsumerThread } from '../../protocol/thread/consumer-thread.ts';
import { startJournaler } from './journaler.ts';
import type { FromJournaler, JournalerOptions } from './messages.ts';

const options = workerData as JournalerOptions;

await runConsumerThread<FromJournaler>(options.log, ({ log, claimsOf, tell }) =>
  startJournaler({ log, clientOfToken: async (token) => (await claimsOf(token)).client, tell, now: Date.now }, options),
);
