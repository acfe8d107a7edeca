/** What more machines do not lift. */
import type { Costs } from './costs.ts';
import type { Bound } from './plan.ts';
import type { Shape, Workload } from './workload.ts';

export function boundsOf(costs: Costs, workload: Workload, shape: Shape, nodes: number): Bound[] {
  const journaler = costs.journalerRecordsPerSecond.value;
  const perCore = 1e6 / costs.deliveryMicroseconds.value;
  const largest = workload.messagesPerSecond * workload.largestClientShare;
  const readers = shape.everyNodeJournalsAll ? nodes : shape.copies;
  const bounds = [
    {
      what: 'one client’s messages',
      limit: journaler,
      required: largest,
      unit: 'messages/s',
      because: 'one client is one partition, and one thread journals it',
    },
    {
      what: 'one client’s messages in the summary',
      limit: costs.summaryRecordsPerSecond.value,
      required: largest,
      unit: 'messages/s',
      because: 'one client is one partition, and one thread folds it',
    },
    {
      what: 'deliveries to one client',
      limit: readers * perCore,
      required: largest * workload.largestClientConnections,
      unit: 'deliveries/s',
      because: `its journal is on ${Number.isFinite(readers) ? readers : 'all'} nodes, each with one reading thread`,
    },
    ...(shape.everyNodeJournalsAll
      ? [
          {
            what: 'all messages of a group without assignment',
            limit: journaler,
            required: workload.messagesPerSecond,
            unit: 'messages/s',
            because: 'every node journals every partition with one thread: more nodes do not help',
          },
        ]
      : []),
  ];
  return bounds
    .map((bound) => ({
      ...bound,
      headroom: bound.required === 0 ? Number.POSITIVE_INFINITY : bound.limit / bound.required,
    }))
    .sort((a, b) => a.headroom - b.headroom);
}
