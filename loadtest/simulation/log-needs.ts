/** What a workload writes to Kafka, keeps there and reads from it. */
import type { Costs } from './costs.ts';
import type { Shape, Workload } from './workload.ts';

export function logNeeds(costs: Costs, workload: Workload, shape: Shape, partitions: number, copies: number) {
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
