/** What may happen to a cluster, and what comes of it: runs one until it has recovered and keeps the worst of each figure. */
import { seeded } from '../../protocol/seeded-random.ts';
import { Cluster, type Snapshot, STEP } from './cluster.ts';
import type { ClusterCosts, ClusterLoad, ClusterShape } from './cluster-inputs.ts';
import { WaitingRoom } from './waiting-room.ts';

export const SCENARIOS = ['steady', 'node lost', 'rolling restart', 'outage', 'log outage'] as const;
/** `readers return`: all readers were away while a backlog came, and come back within the first backoff. */
export type Scenario = (typeof SCENARIOS)[number] | 'readers return';

export interface ScenarioOptions {
  readonly seed: number;
  /** In place of the numbers of the seed; 0.75 always is a crowd without noise. */
  readonly random?: () => number;
  /** How long a node is away that restarts, and all of them in an outage, seconds. A lost one does not come back. */
  readonly downSeconds: number;
  /** Of a node that drains: firehose.drainRetryMs and drainSpreadMs, in seconds. */
  readonly drainAfter: number;
  readonly drainSpread: number;
  /** Longer than this after the last event is 'not recovered'. */
  readonly patienceSeconds: number;
  /** What came while the readers were away that return, messages. */
  readonly backlogMessages?: number;
}

export const DEFAULT_OPTIONS: ScenarioOptions = {
  seed: 1,
  downSeconds: 20,
  drainAfter: 1,
  drainSpread: 10,
  patienceSeconds: 1800,
};

export interface Outcome {
  readonly scenario: Scenario;
  /** From the last event until everybody was back and had everything; undefined where that did not come. */
  readonly recoveredAfterSeconds: number | undefined;
  readonly mostWaiting: number;
  readonly mostOwed: number;
  /** What was owed, in seconds of the whole load. */
  readonly mostDelaySeconds: number;
  readonly mostUnjournaled: number;
  readonly busiest: number;
  /** Of all reading threads, from the last event on. */
  readonly busySeconds: number;
  readonly mostOpensPerSecond: number;
  readonly due: number;
  readonly delivered: number;
  readonly owed: number;
  /** There and away together, at the end. */
  readonly connections: number;
}

interface Happening {
  readonly at: number;
  readonly what: (cluster: Cluster) => void;
}

/** Seconds before the first event. */
const BEFORE = 5;

export function simulate(
  scenario: Scenario,
  costs: ClusterCosts,
  shape: ClusterShape,
  load: ClusterLoad,
  options: ScenarioOptions = DEFAULT_OPTIONS,
): Outcome {
  const room = new WaitingRoom(options.random ?? seeded(options.seed));
  const cluster = new Cluster(costs, shape, load, room);
  const happenings = happeningsOf(scenario, shape, options);
  const logReturns = scenario === 'log outage' ? BEFORE + options.downSeconds : 0;
  const last = Math.max(logReturns, BEFORE, ...happenings.map(({ at }) => at));
  const worst = { waiting: 0, owed: 0, unjournaled: 0, busiest: 0, opensPerSecond: 0 };
  let recovered: number | undefined;
  let next = 0;
  let busySeconds = 0;
  while (recovered === undefined && cluster.seconds < last + options.patienceSeconds) {
    while (next < happenings.length && happenings[next]!.at <= cluster.seconds) happenings[next++]!.what(cluster);
    const logIsUp = cluster.seconds < BEFORE || cluster.seconds >= logReturns;
    const seen = cluster.advance(logIsUp);
    for (const name of Object.keys(worst) as (keyof typeof worst)[]) worst[name] = Math.max(worst[name], seen[name]);
    if (seen.seconds > last) busySeconds += seen.busySeconds;
    if (seen.seconds > last && hasRecovered(seen, load)) recovered = seen.seconds - last;
  }
  const perSecond = (load.messagesPerSecond * load.connections) / load.clients;
  return {
    scenario,
    recoveredAfterSeconds: recovered,
    mostWaiting: worst.waiting,
    mostOwed: worst.owed,
    mostDelaySeconds: perSecond === 0 ? 0 : worst.owed / perSecond,
    mostUnjournaled: worst.unjournaled,
    busiest: worst.busiest,
    busySeconds,
    mostOpensPerSecond: worst.opensPerSecond,
    ...cluster.account,
    connections: cluster.connections,
  };
}

/** Nobody is away, and no more is owed than what one step brings. */
function hasRecovered({ waiting, owed }: Snapshot, { messagesPerSecond, connections, clients }: ClusterLoad): boolean {
  return waiting < 0.5 && owed <= ((messagesPerSecond * connections) / clients) * STEP * 1.01;
}

function happeningsOf(
  scenario: Scenario,
  { nodes, firstBackoff }: ClusterShape,
  options: ScenarioOptions,
): Happening[] {
  const { downSeconds, drainAfter, drainSpread } = options;
  const all = Array.from({ length: nodes }, (_, node) => node);
  switch (scenario) {
    case 'steady':
    case 'log outage':
      return [];
    case 'node lost':
      return [{ at: BEFORE, what: (cluster) => cluster.takeDown(0, 0, firstBackoff) }];
    case 'outage':
      return [
        ...all.map((node) => ({ at: BEFORE, what: (cluster: Cluster) => cluster.takeDown(node, 0, firstBackoff) })),
        ...all.map((node) => ({ at: BEFORE + downSeconds, what: (cluster: Cluster) => cluster.bringUp(node) })),
      ];
    case 'readers return':
      return [
        {
          at: BEFORE,
          what: (cluster) => {
            for (const node of all) cluster.takeDown(node, 0, firstBackoff);
            cluster.produce(options.backlogMessages ?? 0);
            for (const node of all) cluster.bringUp(node);
          },
        },
      ];
    case 'rolling restart': {
      // One after the other; the next goes when the readers of the one before have had the time to settle.
      const turn = Math.max(downSeconds, drainAfter + drainSpread);
      return all
        .flatMap((node) => [
          { at: BEFORE + node * turn, what: (cluster: Cluster) => cluster.takeDown(node, drainAfter, drainSpread) },
          { at: BEFORE + node * turn + downSeconds, what: (cluster: Cluster) => cluster.bringUp(node) },
        ])
        .sort((a, b) => a.at - b.at);
    }
  }
}
