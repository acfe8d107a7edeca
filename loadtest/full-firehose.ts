/** The firehose suite in earnest: a million messages, up to ten thousand live connections, five rounds. */
import { firehoseCases } from './firehose/cases.ts';
import type { Suite } from './suite.ts';

export const suite: Suite = {
  name: 'full-firehose',
  about: 'the firehose over HTTP on one core, in earnest',
  cases: firehoseCases({
    rounds: 5,
    messages: 1_000_000,
    idleConnections: 10_000,
    live: [
      { connections: 1, bytes: 512, perSecond: 100 },
      { connections: 100, bytes: 512, perSecond: 100 },
      { connections: 100, bytes: 512, perSecond: undefined },
      { connections: 1_000, bytes: 512, perSecond: 20 },
      { connections: 1_000, bytes: 512, perSecond: undefined },
      { connections: 1_000, bytes: 4_096, perSecond: undefined },
      { connections: 10_000, bytes: 512, perSecond: 2 },
      { connections: 10_000, bytes: 512, perSecond: undefined },
    ],
  }),
};
