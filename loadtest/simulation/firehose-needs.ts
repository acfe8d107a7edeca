/** How many firehose nodes a workload needs, by what they run out of. */
import type { Costs } from './costs.ts';
import { readable } from './readable.ts';
import type { Shape, Workload } from './workload.ts';

export function firehoseNeeds(costs: Costs, workload: Workload, shape: Shape) {
  const { utilisation } = shape;
  const deliveries = deliveriesPerSecond(workload);
  const opens = workload.connections / workload.streamLifetimeSeconds;
  const readCores =
    (deliveries * costs.deliveryMicroseconds.value) / 1e6 + (opens * costs.openMilliseconds.value) / 1e3;
  const journaled = workload.messagesPerSecond / costs.journalerRecordsPerSecond.value / utilisation;
  const reasons = [
    {
      resource: 'connections',
      nodes: workload.connections / shape.streamsPerNode,
      because: `${readable(shape.streamsPerNode)} a node (firehose.maxStreams)`,
    },
    {
      resource: 'delivery',
      nodes: readCores / utilisation,
      because: `${readable(deliveries)} deliveries/s and ${readable(opens)} streams opened/s; one reading thread a node`,
    },
    {
      resource: 'journaling',
      nodes: shape.everyNodeJournalsAll ? (journaled > 1 ? Number.POSITIVE_INFINITY : 1) : journaled * shape.copies,
      because: shape.everyNodeJournalsAll
        ? 'every node journals everything'
        : `${shape.copies} copies; one journaling thread a node`,
    },
    {
      resource: 'network',
      nodes: (deliveries * workload.messageBytes) / costs.networkBytesPerSecond.value / utilisation,
      because: 'bytes delivered',
      isAssumed: true,
    },
  ].map((reason) => ({ isAssumed: false, ...reason, nodes: Math.ceil(reason.nodes) }));
  const most = reasons.reduce((a, b) => (b.nodes > a.nodes ? b : a));
  const atLeast = shape.everyNodeJournalsAll ? 1 : shape.copies;
  return { nodes: Math.max(most.nodes, atLeast) + shape.spareNodes, decidedBy: most.resource, reasons };
}

/** Every connection of a client gets every message of that client. */
export function deliveriesPerSecond({ messagesPerSecond, connections, clients }: Workload): number {
  return (messagesPerSecond * connections) / clients;
}
