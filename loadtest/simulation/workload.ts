/** What is asked of a deployment, and how it is built: the two inputs of the model. */

export const VISION_SERVICES = ['faceextract', 'barcode', 'ocr'] as const;
export type VisionService = (typeof VISION_SERVICES)[number];

export interface Workload {
  /** Open streams, all clients together. */
  readonly connections: number;
  readonly clients: number;
  /** On results-1, all clients together. */
  readonly messagesPerSecond: number;
  /** As journaled and delivered: one NDJSON frame. */
  readonly messageBytes: number;
  /** Acceptance, results, one completion a service, summary. */
  readonly messagesPerImage: number;
  readonly imageBytes: number;
  readonly services: readonly VisionService[];
  /** Share of all messages that the busiest client gets, 0 to 1. */
  readonly largestClientShare: number;
  /** Connections that the busiest client reads with. */
  readonly largestClientConnections: number;
  /** Share of the messages that are also delivered to a webhook, 0 to 1. */
  readonly webhookShare: number;
  /** How long a stream lives before its token ends it and it is opened anew: identity.authorisationTtlMs. */
  readonly streamLifetimeSeconds: number;
}

export interface Shape {
  /** Firehose nodes that journal each partition: a reader finds its client's journal on that many. */
  readonly copies: number;
  /** Every node journals every partition: what a group of nodes without assignment does. */
  readonly everyNodeJournalsAll: boolean;
  /** Share of a core, a thread, a card that is planned with, 0 to 1. */
  readonly utilisation: number;
  /** Nodes of each role that may be gone while the rest carries all. */
  readonly spareNodes: number;
  /** firehose.maxStreams. */
  readonly streamsPerNode: number;
  /** Of results-1. The readers of a lost node go to those that share a partition with it: more partitions, more of them. */
  readonly partitionsPerNode: number;
  readonly coresPerMachine: number;
  readonly kafkaReplication: number;
  /** kafka.sessionTimeoutMs: a member of a group that is silent for so long is taken for lost. */
  readonly sessionTimeoutSeconds: number;
  readonly resultsRetentionSeconds: number;
  readonly ingestRetentionSeconds: number;
}

const HOUR = 3600;

export const DEFAULT_WORKLOAD: Workload = {
  connections: 1_000_000,
  clients: 1_000_000,
  messagesPerSecond: 100_000,
  messageBytes: 600,
  messagesPerImage: 12,
  imageBytes: 100 << 10,
  services: VISION_SERVICES,
  largestClientShare: 0.01,
  largestClientConnections: 8,
  webhookShare: 0.05,
  streamLifetimeSeconds: 900,
};

export const DEFAULT_SHAPE: Shape = {
  copies: 2,
  everyNodeJournalsAll: false,
  utilisation: 0.6,
  spareNodes: 2,
  streamsPerNode: 20_000,
  partitionsPerNode: 16,
  coresPerMachine: 16,
  kafkaReplication: 3,
  sessionTimeoutSeconds: 30,
  resultsRetentionSeconds: 7 * 24 * HOUR,
  ingestRetentionSeconds: 24 * HOUR,
};

/** @throws {RangeError} names what is out of its bounds */
export function checkInputs(workload: Workload, shape: Shape): void {
  const positive = { ...workload, ...shape };
  for (const [name, value] of Object.entries(positive))
    if (typeof value === 'number' && !(value >= 0 && Number.isFinite(value)))
      throw new RangeError(`${name} must be a finite number of at least 0, not ${value}`);
  const least = [
    'connections',
    'clients',
    'messagesPerImage',
    'utilisation',
    'copies',
    'streamsPerNode',
    'partitionsPerNode',
  ] as const;
  for (const name of least) if (!(positive[name] > 0)) throw new RangeError(`${name} must be above 0`);
  const shares = ['largestClientShare', 'webhookShare', 'utilisation'] as const;
  for (const name of shares) if (positive[name] > 1) throw new RangeError(`${name} is a share: at most 1`);
  if (workload.clients > workload.connections * 1e6) throw new RangeError('clients far outnumber the connections');
}
