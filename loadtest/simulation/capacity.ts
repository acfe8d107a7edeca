/**
 * What a workload needs, and where the design breaks first: sums over the measured costs, no time in them. Pure.
 *
 * A *need* grows with the load and is met by more of the same. A *bound* is what more machines do not lift: one thread, one
 * partition, one client. The bound with the least headroom is where the design breaks first.
 */
import type { Costs } from './costs.ts';
import type { Shape, VisionService, Workload } from './workload.ts';

export interface Need {
  readonly role: string;
  readonly resource: string;
  readonly amount: number;
  readonly unit: string;
  readonly because: string;
  /** Rests on a figure that nobody measured. */
  readonly isAssumed: boolean;
}

export interface Bound {
  readonly what: string;
  readonly limit: number;
  readonly required: number;
  readonly unit: string;
  /** limit ÷ required: below 1 it is broken; by so much the workload can grow before it is. */
  readonly headroom: number;
  readonly because: string;
}

export interface Plan {
  readonly needs: readonly Need[];
  /** Least headroom first. */
  readonly bounds: readonly Bound[];
  readonly firehoseNodes: number;
  readonly resultsPartitions: number;
  /** What decides how many firehose nodes there are. */
  readonly firehoseDecidedBy: string;
}

const KIB = 1024;

export function planFor(costs: Costs, workload: Workload, shape: Shape): Plan {
  const needs: Need[] = [];
  const need = (role: string, resource: string, amount: number, unit: string, because: string, isAssumed = false) =>
    needs.push({ role, resource, amount, unit, because, isAssumed });
  const images = workload.messagesPerSecond / workload.messagesPerImage;

  const gatewayCores = images / costs.gatewayRequestsPerCore.value / shape.utilisation;
  need('gateway', 'cores', gatewayCores, 'cores', `${number(images)} images/s`);
  need('gateway', 'machines', machines(gatewayCores, shape), 'machines', `of ${shape.coresPerMachine} cores`);

  const visionCores = workload.services.map((service) => coresOf(costs, service, images) / shape.utilisation);
  for (const [index, service] of workload.services.entries())
    need(
      'vision',
      service,
      visionCores[index]!,
      'cores',
      'inference on the processor; a GPU changes this figure alone',
    );

  const firehose = firehoseNeeds(costs, workload, shape);
  need('firehose', 'nodes', firehose.nodes, 'nodes', `${firehose.decidedBy}, and ${shape.spareNodes} that may be gone`);
  for (const { resource, nodes, because, isAssumed } of firehose.reasons)
    need('firehose', `nodes for ${resource}`, nodes, 'nodes', because, isAssumed);
  const perNode = workload.connections / Math.max(1, firehose.nodes - shape.spareNodes);
  const connectionKib = costs.connectionKib.value + costs.kernelKibPerConnection.value;
  need(
    'firehose',
    'memory of connections',
    (perNode * connectionKib) / KIB ** 2,
    'GiB a node',
    'with its spares gone',
    true,
  );
  const journalBytes = workload.messagesPerSecond * workload.messageBytes * shape.resultsRetentionSeconds;
  const copies = shape.everyNodeJournalsAll ? firehose.nodes : shape.copies;
  need('firehose', 'disk', (journalBytes * copies) / 1e12, 'TB in all', `${copies} copies for the retention`);

  const pushRate = workload.messagesPerSecond * workload.webhookShare;
  const pushCores = (pushRate * costs.pushMicroseconds.value) / 1e6 / shape.utilisation;
  need('push', 'cores', pushCores, 'cores', `${number(pushRate)} deliveries/s`);

  const resultsPartitions = Math.max(shape.partitionsPerNode * firehose.nodes, 1);
  const visionMachines = visionCores.map((cores) => machines(cores, shape));
  const ingestPartitions = Math.max(1, ...visionMachines);
  const log = logNeeds(costs, workload, shape, resultsPartitions + ingestPartitions, copies);
  need(
    'kafka',
    'partitions of results-1',
    resultsPartitions,
    'partitions',
    `${shape.partitionsPerNode} to a firehose node`,
  );
  need(
    'kafka',
    'partitions of ingest-1',
    ingestPartitions,
    'partitions',
    'one to a machine of the largest vision group',
  );
  need(
    'kafka',
    'brokers',
    log.brokers,
    'brokers',
    `${number(log.writtenPerSecond / 1e6)} MB/s written, replicas included`,
    true,
  );
  need('kafka', 'disk', log.diskBytes / 1e12, 'TB in all', 'both topics for their retention, replicas included');
  need('network', 'read from the log', (log.readPerSecond * 8) / 1e9, 'Gbit/s', 'each vision group reads every image');

  const bounds = boundsOf(costs, workload, shape, firehose.nodes);
  const { nodes: firehoseNodes, decidedBy: firehoseDecidedBy } = firehose;
  return { needs, bounds, firehoseNodes, resultsPartitions, firehoseDecidedBy };
}

function firehoseNeeds(costs: Costs, workload: Workload, shape: Shape) {
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
      because: `${number(shape.streamsPerNode)} a node (firehose.maxStreams)`,
    },
    {
      resource: 'delivery',
      nodes: readCores / utilisation,
      because: `${number(deliveries)} deliveries/s and ${number(opens)} streams opened/s; one reading thread a node`,
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

function logNeeds(costs: Costs, workload: Workload, shape: Shape, partitions: number, copies: number) {
  const images = workload.messagesPerSecond / workload.messagesPerImage;
  const envelope = costs.envelopeBytes.value;
  const ingest = images * (workload.imageBytes + envelope);
  const results = workload.messagesPerSecond * (workload.messageBytes + envelope);
  const writtenPerSecond = (ingest + results) * shape.kafkaReplication;
  const brokers = Math.max(
    shape.kafkaReplication,
    Math.ceil(writtenPerSecond / costs.brokerBytesPerSecond.value / shape.utilisation),
    Math.ceil((partitions * shape.kafkaReplication) / costs.partitionsPerBroker.value),
  );
  return {
    writtenPerSecond,
    brokers,
    diskBytes:
      (ingest * shape.ingestRetentionSeconds + results * shape.resultsRetentionSeconds) * shape.kafkaReplication,
    // Summary and push read the results once each.
    readPerSecond: ingest * workload.services.length + results * (copies + 2),
  };
}

function boundsOf(costs: Costs, workload: Workload, shape: Shape, nodes: number): Bound[] {
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

/** Every connection of a client gets every message of that client. */
export function deliveriesPerSecond({ messagesPerSecond, connections, clients }: Workload): number {
  return (messagesPerSecond * connections) / clients;
}

function coresOf(costs: Costs, service: VisionService, images: number): number {
  const ms = { faceextract: costs.faceextractMsPerImage, barcode: costs.barcodeMsPerImage, ocr: costs.ocrMsPerImage };
  return (images * ms[service].value) / 1e3;
}

function machines(cores: number, { coresPerMachine, spareNodes }: Shape): number {
  return Math.ceil(cores / coresPerMachine) + spareNodes;
}

function number(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 });
}
