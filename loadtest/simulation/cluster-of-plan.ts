/** The cluster that the plan for a workload asks for, so that it can be simulated. */
import type { ClusterCosts, ClusterLoad, ClusterShape } from './cluster-inputs.ts';
import type { Costs } from './costs.ts';
import type { Plan } from './plan.ts';
import type { Shape, Workload } from './workload.ts';

/** Bounds of the client library's pauses after a failure, seconds (sdk/client/backoff.ts). */
const FIRST_BACKOFF = 0.25;
const LONGEST_BACKOFF = 15;

export function clusterCosts(costs: Costs, { messageBytes }: Pick<Workload, 'messageBytes'>): ClusterCosts {
  return {
    journalRate: costs.journalerRecordsPerSecond.value,
    deliverySeconds: costs.deliveryMicroseconds.value / 1e6,
    catchUpSeconds: 1 / costs.catchUpMessagesPerCore.value,
    openSeconds: costs.openMilliseconds.value / 1e3,
    bytesPerSecond: costs.networkBytesPerSecond.value,
    messageBytes,
  };
}

export function clusterShape(plan: Plan, shape: Shape): ClusterShape {
  return {
    nodes: plan.firehoseNodes,
    partitions: plan.resultsPartitions,
    copies: shape.everyNodeJournalsAll ? plan.firehoseNodes : shape.copies,
    streamsPerNode: shape.streamsPerNode,
    firstBackoff: FIRST_BACKOFF,
    longestBackoff: LONGEST_BACKOFF,
  };
}

export function clusterLoad({ connections, clients, messagesPerSecond }: Workload): ClusterLoad {
  return { connections, clients, messagesPerSecond };
}
