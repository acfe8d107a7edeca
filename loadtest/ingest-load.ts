/** The process that ingest.ts makes its requests from: autocannon's own workers cannot send a binary body. */
import { once } from 'node:events';
import autocannon from 'autocannon';

export interface LoadOutcome {
  readonly accepted: number;
  readonly refused: number;
  readonly errors: number;
  readonly total: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

const [asked] = await once(process, 'message');
const { body, ...options } = asked as Omit<autocannon.Options, 'body'> & { body: Uint8Array };
const { errors, non2xx, duration, requests, latency, ...rest } = await autocannon({
  ...options,
  body: Buffer.from(body),
});
const outcome: LoadOutcome = {
  accepted: rest['2xx'],
  refused: non2xx,
  errors,
  total: requests.total,
  seconds: duration,
  p50: latency.p50,
  p99: latency.p99,
};
process.send!(outcome, () => process.disconnect());
