/**
 * The model beside the real thing (`npm run bench -- simulation`): what a small real node does, and what the model says that
 * it does, from costs that were measured at another size a moment before. Also measures the costs that no other suite has.
 */
import { seeded } from '../../protocol/seeded-random.ts';
import type { BenchContext, OpenVariant, Suite } from '../suite.ts';
import type { ClusterCosts, ClusterShape } from './cluster-inputs.ts';
import { clusterCosts } from './cluster-of-plan.ts';
import { documentedCosts } from './costs.ts';
import { openIdentityVariant } from './identity-cost.ts';
import { openJournalerVariant } from './journaler-rate.ts';
import { openRebalanceVariant } from './rebalance-cost.ts';
import { DEFAULT_OPTIONS, simulate } from './scenarios.ts';
import { SmallCluster } from './small-cluster.ts';
import { openSummaryVariant } from './summary-rate.ts';

const BYTES = 512;
/** Messages a second of each client. */
const PER_SECOND = 10;
/** Clients with a connection each: those predicted, and the fewer ones that the costs are taken from. */
const CONNECTIONS = 500;
const CALIBRATED_WITH = 200;
const LIVE_SECONDS = 4;
/** Messages of each client. */
const BACKLOG = 50;
const SPREAD_SECONDS = 1;

const ONE_NODE: ClusterShape = {
  nodes: 1,
  partitions: 1,
  copies: 1,
  streamsPerNode: 100_000,
  firstBackoff: SPREAD_SECONDS,
  longestBackoff: SPREAD_SECONDS,
};

export const suite: Suite = {
  name: 'simulation',
  about: 'the model of docs/simulation.md beside a real firehose node on one core',
  cases: [
    {
      name: 'live delivery',
      unit: `busy seconds of the reading thread a second: ${CONNECTIONS} connections × ${PER_SECOND} messages/s of ${BYTES} B`,
      better: 'lower',
      goals: [{ subject: 'measured', against: 'predicted', atLeast: 0.7, atMost: 1.4 }],
      variants: [
        { name: 'measured', kind: 'subject', open: openLive },
        { name: 'predicted', kind: 'limit', open: openLivePrediction },
      ],
    },
    {
      name: 'readers come back to a backlog',
      unit: `busy seconds of the reading thread until ${CONNECTIONS} have ${BACKLOG} messages of ${BYTES} B each`,
      better: 'lower',
      goals: [{ subject: 'measured', against: 'predicted', atLeast: 0.5, atMost: 2 }],
      variants: [
        { name: 'measured', kind: 'subject', open: openReturn },
        { name: 'predicted', kind: 'limit', open: openReturnPrediction },
      ],
    },
    {
      name: 'journaler: records from the log into journals',
      unit: 'records a second of its thread',
      better: 'higher',
      rounds: 3,
      variants: [{ name: 'journaler', kind: 'subject', durability: 'one fsync a batch', open: openJournalerVariant }],
    },
    {
      name: 'summary: records folded, a summary an image',
      unit: 'records a second of its thread',
      better: 'higher',
      rounds: 3,
      variants: [
        { name: 'summary', kind: 'subject', durability: 'what it loses it builds again', open: openSummaryVariant },
      ],
    },
    {
      name: 'identity: one request for a token',
      unit: 'ms of processor time',
      better: 'lower',
      rounds: 3,
      variants: (['by secret', 'by key', 'exchange'] as const).map((asking) => ({
        name: asking,
        kind: 'subject',
        open: (context) => openIdentityVariant(context, asking),
      })),
    },
    {
      name: 'rebalance: a hundred members of one group',
      unit: "ms of the broker's processor time a member",
      better: 'lower',
      rounds: 3,
      variants: [{ name: 'kafka', kind: 'subject', open: openRebalanceVariant }],
    },
  ],
};

const scaled = (count: number, scale: number) => Math.max(1, Math.round(count * scale));

async function openLive({ folder, scale }: BenchContext): Promise<OpenVariant> {
  const cluster = await SmallCluster.start(folder, scaled(CONNECTIONS, scale), BYTES);
  return {
    async measure() {
      const { busySeconds } = await cluster.live(PER_SECOND, LIVE_SECONDS);
      // Of the time that so many messages are planned for: on a busy machine they take longer.
      return { value: busySeconds / LIVE_SECONDS };
    },
    close: () => cluster.stop(),
  };
}

async function openLivePrediction({ folder, scale }: BenchContext): Promise<OpenVariant> {
  const cluster = await SmallCluster.start(folder, scaled(CALIBRATED_WITH, scale), BYTES);
  const connections = scaled(CONNECTIONS, scale);
  return {
    async measure() {
      const { costs, also } = await calibrated(cluster, scale);
      const load = { connections, clients: connections, messagesPerSecond: PER_SECOND * connections };
      const { busiest } = simulate('steady', costs, ONE_NODE, load);
      return { value: busiest, also };
    },
    close: () => cluster.stop(),
  };
}

async function openReturn({ folder, scale }: BenchContext): Promise<OpenVariant> {
  const cluster = await SmallCluster.start(folder, scaled(CONNECTIONS, scale), BYTES);
  const random = seeded(1);
  const backlog = scaled(BACKLOG, scale);
  return {
    async measure() {
      const { busySeconds, seconds } = await cluster.comeBack(SPREAD_SECONDS, backlog, random);
      return { value: busySeconds, also: { by_the_clock: seconds } };
    },
    close: () => cluster.stop(),
  };
}

async function openReturnPrediction({ folder, scale }: BenchContext): Promise<OpenVariant> {
  const cluster = await SmallCluster.start(folder, scaled(CALIBRATED_WITH, scale), BYTES);
  const [connections, backlog] = [scaled(CONNECTIONS, scale), scaled(BACKLOG, scale)];
  return {
    async measure() {
      const { costs } = await calibrated(cluster, scale);
      const options = { ...DEFAULT_OPTIONS, backlogMessages: backlog * connections };
      const load = { connections, clients: connections, messagesPerSecond: 0 };
      const { busySeconds, recoveredAfterSeconds } = simulate('readers return', costs, ONE_NODE, load, options);
      return { value: busySeconds, also: { by_the_clock: recoveredAfterSeconds ?? Number.POSITIVE_INFINITY } };
    },
    close: () => cluster.stop(),
  };
}

/** What opening a stream and delivering a message cost here and now, with fewer connections than are to be predicted. */
async function calibrated(cluster: SmallCluster, scale: number) {
  const connections = scaled(CALIBRATED_WITH, scale);
  cluster.disconnect();
  const before = cluster.readingSeconds();
  await cluster.connect();
  const openSeconds = (cluster.readingSeconds() - before) / connections;
  const { busySeconds } = await cluster.live(PER_SECOND, LIVE_SECONDS);
  const deliverySeconds = busySeconds / (connections * PER_SECOND * LIVE_SECONDS);
  const costs: ClusterCosts = {
    ...clusterCosts(documentedCosts(), { messageBytes: BYTES }),
    journalRate: Number.POSITIVE_INFINITY,
    openSeconds,
    deliverySeconds,
  };
  return { costs, also: { us_per_delivery: deliverySeconds * 1e6, ms_per_open: openSeconds * 1e3 } };
}
