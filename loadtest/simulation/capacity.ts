/** What a workload needs, and where the design breaks first: sums over the measured costs, no time in them. Pure. */
import { boundsOf } from './bounds.ts';
import type { Costs } from './costs.ts';
import { firehoseNeeds } from './firehose-needs.ts';
import { identityNeeds } from './identity-needs.ts';
import { logNeeds } from './log-needs.ts';
import type { Need, Plan } from './plan.ts';
import { readable } from './readable.ts';
import { rebalancesOf } from './rebalances.ts';
import type { Shape, VisionService, Workload } from './workload.ts';

const KIB = 1024;

export function planFor(costs: Costs, workload: Workload, shape: Shape): Plan {
  const needs: Need[] = [];
  const need = (role: string, resource: string, amount: number, unit: string, because: string, isAssumed = false) =>
    needs.push({ role, resource, amount, unit, because, isAssumed });
  const images = workload.messagesPerSecond / workload.messagesPerImage;

  const gatewayCores = images / costs.gatewayRequestsPerCore.value / shape.utilisation;
  need('gateway', 'cores', gatewayCores, 'cores', `${readable(images)} images/s`);
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
  need('push', 'cores', pushCores, 'cores', `${readable(pushRate)} deliveries/s`);

  const resultsPartitions = Math.max(shape.partitionsPerNode * firehose.nodes, 1);
  const summaryCores = workload.messagesPerSecond / costs.summaryRecordsPerSecond.value / shape.utilisation;
  const summaries = Math.ceil(summaryCores) + shape.spareNodes;
  need(
    'summary',
    'processes',
    summaries,
    'processes',
    `${readable(workload.messagesPerSecond)} messages/s, one thread each`,
  );
  needs.push(...identityNeeds(costs, workload, shape));

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
    `${readable(log.writtenPerSecond / 1e6)} MB/s written, replicas included`,
    true,
  );
  need('kafka', 'disk', log.diskBytes / 1e12, 'TB in all', 'both topics for their retention, replicas included');
  need('network', 'read from the log', (log.readPerSecond * 8) / 1e9, 'Gbit/s', 'each vision group reads every image');

  const bounds = boundsOf(costs, workload, shape, firehose.nodes);
  const rebalances = rebalancesOf(costs, shape, [
    { group: 'the largest of vision', members: ingestPartitions, partitions: ingestPartitions },
    { group: 'summary', members: Math.min(summaries, resultsPartitions), partitions: resultsPartitions },
  ]);
  const { nodes: firehoseNodes, decidedBy: firehoseDecidedBy } = firehose;
  return { needs, bounds, firehoseNodes, resultsPartitions, firehoseDecidedBy, rebalances };
}

function coresOf(costs: Costs, service: VisionService, images: number): number {
  const ms = { faceextract: costs.faceextractMsPerImage, barcode: costs.barcodeMsPerImage, ocr: costs.ocrMsPerImage };
  return (images * ms[service].value) / 1e3;
}

function machines(cores: number, { coresPerMachine, spareNodes }: Shape): number {
  return Math.ceil(cores / coresPerMachine) + spareNodes;
}
