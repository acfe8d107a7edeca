/** Creates, changes and deletes topics. Done is done on the controller: other brokers hear of it a little later. */
import type { KafkaClient } from './client.ts';

const ADMIN_TIMEOUT_MS = 30_000;
const TOPIC_RESOURCE = 2;

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  readonly config: Readonly<Record<string, string>>;
}

/** @throws {KafkaFault} TOPIC_ALREADY_EXISTS, or what the controller has against it */
export async function createTopic(
  client: KafkaClient,
  { name, partitions, replication, config }: NewTopic,
): Promise<void> {
  const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
  const topic = { topic: name, numPartitions: partitions, replicationFactor: replication, configEntries };
  await client.onController((broker) => broker.createTopics({ topics: [topic], timeout: ADMIN_TIMEOUT_MS }));
}

/** @param count how many partitions the topic shall have then. @throws {KafkaFault} */
export async function addPartitions(client: KafkaClient, topic: string, count: number): Promise<void> {
  const topicPartitions = [{ topic, count }];
  await client.onController((broker) => broker.createPartitions({ topicPartitions, timeout: ADMIN_TIMEOUT_MS }));
}

/** @throws {KafkaFault} */
export async function deleteTopic(client: KafkaClient, topic: string): Promise<void> {
  await client.onController((broker) => broker.deleteTopics({ topics: [topic], timeout: ADMIN_TIMEOUT_MS }));
}

/** Settings by name, defaults of the broker included. @throws {KafkaFault} */
export async function topicConfig(client: KafkaClient, topic: string): Promise<ReadonlyMap<string, string>> {
  const { resources } = await client.onAny((broker) =>
    broker.describeConfigs({ resources: [{ type: TOPIC_RESOURCE, name: topic }] }),
  );
  const entries = resources.flatMap(({ configEntries }) => configEntries);
  return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
}

/** Sets these settings; those left out go back to the default of the broker. @throws {KafkaFault} */
export async function alterTopicConfig(
  client: KafkaClient,
  topic: string,
  config: Readonly<Record<string, string>>,
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await client.onAny((broker) =>
    broker.alterConfigs({ resources: [{ type: TOPIC_RESOURCE, name: topic, configEntries }] }),
  );
}
