/**
 * The firehose over HTTP: catch-up, live fan-out and idle connections, beside nchan and beside a server that only writes
 * buffers. Server on one core, load on the others. Order, count and duplicates are checked in every measurement.
 */
import { firehoseCases } from './firehose/cases.ts';
import type { Suite } from './suite.ts';

/** A few minutes; `full-firehose` is the same in earnest. */
export const suite: Suite = {
  name: 'firehose',
  about: 'the firehose over HTTP on one core',
  cases: firehoseCases({
    rounds: 3,
    messages: 300_000,
    idleConnections: 10_000,
    live: [
      { connections: 1, bytes: 512, perSecond: 100 },
      { connections: 100, bytes: 512, perSecond: 100 },
      { connections: 1_000, bytes: 512, perSecond: 20 },
      { connections: 1_000, bytes: 512, perSecond: undefined },
      { connections: 1_000, bytes: 4_096, perSecond: undefined },
    ],
  }),
};
