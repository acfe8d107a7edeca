/** The cases of the firehose suites, of a size that the suite chooses. */
import type { BenchCase, BenchContext } from '../suite.ts';
import { bufferServer, catchUp } from './catch-up.ts';
import { type FanOut, fanOut } from './fan-out.ts';
import { idle } from './idle.ts';
import { startNchanPublisher, startSluice } from './publisher.ts';

export interface Size {
  readonly rounds: number;
  /** Messages of a catch-up. */
  readonly messages: number;
  readonly idleConnections: number;
  readonly live: readonly FanOut[];
}

const JOURNAL = 'journal with one fsync a batch';
const CLIENTS = 100;

export function firehoseCases({ rounds, messages, idleConnections, live }: Size): BenchCase[] {
  return [
    {
      name: `catch-up: ${messages} messages of 300 B, one client`,
      unit: 'messages/s',
      better: 'higher',
      rounds,
      goals: [{ subject: 'sluice', against: 'buffers', atLeast: 0.5 }],
      variants: [
        {
          name: 'sluice',
          kind: 'subject',
          durability: JOURNAL,
          open: (context) => catchUp(context, messages, 1),
        },
        { name: 'buffers', kind: 'limit', open: (context) => bufferServer(context, messages) },
      ],
    },
    {
      name: `catch-up: ${messages / CLIENTS} messages of 300 B each, ${CLIENTS} clients at once`,
      unit: 'messages/s',
      better: 'higher',
      rounds,
      variants: [
        {
          name: 'sluice',
          kind: 'subject',
          durability: JOURNAL,
          open: (context) => catchUp(context, messages, CLIENTS),
        },
      ],
    },
    ...live.map((load) => liveCase(rounds, load)),
    {
      name: `idle: ${idleConnections} open connections`,
      unit: 'KiB of RSS each',
      better: 'lower',
      rounds: 1,
      goals: [{ subject: 'sluice', against: 'nchan', atMost: 0.8 }],
      variants: beside((context, start) => idle(context, idleConnections, start)),
    },
  ];
}

function liveCase(rounds: number, load: FanOut): BenchCase {
  const { connections, bytes, perSecond } = load;
  const name = `live: ${connections} connections of one client, ${bytes} B`;
  const variants = beside((context, start) => fanOut(context, load, start));
  return perSecond === undefined
    ? {
        name: `${name}, as many as it takes`,
        unit: 'deliveries/s',
        better: 'higher',
        rounds,
        goals: [{ subject: 'sluice', against: 'nchan', atLeast: 1 }],
        variants,
      }
    : { name: `${name}, ${perSecond} messages/s`, unit: 'ms p99', better: 'lower', rounds, variants };
}

type Start = typeof startSluice;

function beside(open: (context: BenchContext, start: Start) => ReturnType<typeof fanOut>): BenchCase['variants'] {
  return [
    { name: 'sluice', kind: 'subject', durability: JOURNAL, open: (context) => open(context, startSluice) },
    { name: 'nchan', kind: 'peer', durability: 'memory', open: (context) => open(context, startNchanPublisher) },
  ];
}
