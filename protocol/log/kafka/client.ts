/**
 * Requests to Kafka brokers, and which broker each goes to. With connections.ts, all that knows kafkajs.
 *
 * kafkajs opens connections, authenticates and encodes the smaller requests; its producer, its consumer and its retries
 * are not used (docs/adr/0004-kafka-client.md). A request is sent once; who sends it decides what a fault means.
 */
import type Broker from 'kafkajs/src/broker/index.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import type { TopicPartition } from '../log.ts';
import { type Address, Connections, REQUEST_TIMEOUT_MS } from './connections.ts';
import { KafkaFault } from './fault.ts';
import { type KafkaRequest, type Metadata, metadataRequest } from './requests.ts';
import type { KafkaSettings } from './settings.ts';

const ADMIN_TIMEOUT_MS = 30_000;
const TOPIC_RESOURCE = 2;
const GROUP_COORDINATOR = 0;
const READ_COMMITTED = 1;

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface Joined {
  readonly generation: number;
  readonly member: string;
  readonly leader: boolean;
  /** Told to the leader only. */
  readonly members: readonly { readonly member: string; readonly metadata: Buffer }[];
}

/** Whom a group's coordinator knows. */
export interface Membership {
  readonly group: string;
  readonly member: string;
  readonly generation: number;
}

export interface OffsetOf extends TopicPartition {
  readonly offset: number;
}

export class KafkaClient {
  readonly #settings: KafkaSettings;
  readonly #connections: Connections;
  /** By node. Those that could not be reached are left out until the cluster names them again. */
  #addresses = new Map<number, Address>();

  constructor(settings: KafkaSettings, clientId: string) {
    this.#settings = settings;
    this.#connections = new Connections({ settings, clientId, onBroken: (address) => this.#forget(address) });
  }

  /** Asks any broker that answers, those known from the last answer before the configured ones. */
  async metadata(topics: readonly string[] | undefined): Promise<Metadata> {
    const candidates = [...shuffled([...this.#addresses.values()]), ...shuffled(this.#settings.brokers.map(addressOf))];
    let fault: unknown;
    for (const address of candidates) {
      try {
        const metadata = await this.#send(address, 'control', metadataRequest(topics));
        this.#addresses = new Map(metadata.brokers.map(({ node, host, port }) => [node, { host, port }]));
        return metadata;
      } catch (error) {
        fault = error;
      }
    }
    throw fault;
  }

  /** @param lane names the connection that the request goes over */
  async send<T>(node: number, lane: string, request: KafkaRequest<T>): Promise<T> {
    return this.#send(this.#addressOf(node), lane, request);
  }

  async findCoordinator(group: string): Promise<Address> {
    const answer = await this.#any((broker) =>
      broker.findGroupCoordinator({ groupId: group, coordinatorType: GROUP_COORDINATOR }),
    );
    return answer.coordinator;
  }

  async joinGroup(
    coordinator: Address,
    lane: string,
    { group, member }: Pick<Membership, 'group' | 'member'>,
    options: { sessionTimeoutMs: number; rebalanceTimeoutMs: number; protocol: string; metadata: Buffer },
  ): Promise<Joined> {
    const joined = await this.#connections.call(coordinator, lane, (broker) =>
      broker.joinGroup({
        groupId: group,
        memberId: member,
        sessionTimeout: options.sessionTimeoutMs,
        rebalanceTimeout: options.rebalanceTimeoutMs,
        groupProtocols: [{ name: options.protocol, metadata: options.metadata }],
      }),
    );
    return {
      generation: joined.generationId,
      member: joined.memberId,
      leader: joined.leaderId === joined.memberId,
      members: joined.members.map((it) => ({ member: it.memberId, metadata: it.memberMetadata })),
    };
  }

  /** @returns what the leader has assigned to this member */
  async syncGroup(
    coordinator: Address,
    lane: string,
    { group, member, generation }: Membership,
    assignments: readonly { member: string; assignment: Buffer }[],
  ): Promise<Buffer> {
    const answer = await this.#connections.call(coordinator, lane, (broker) =>
      broker.syncGroup({
        groupId: group,
        memberId: member,
        generationId: generation,
        groupAssignment: assignments.map((it) => ({ memberId: it.member, memberAssignment: it.assignment })),
      }),
    );
    return answer.memberAssignment;
  }

  async heartbeat(coordinator: Address, lane: string, { group, member, generation }: Membership): Promise<void> {
    await this.#connections.call(coordinator, lane, (broker) =>
      broker.heartbeat({ groupId: group, memberId: member, groupGenerationId: generation }),
    );
  }

  async leaveGroup(coordinator: Address, lane: string, { group, member }: Membership): Promise<void> {
    await this.#connections.call(coordinator, lane, (broker) =>
      broker.leaveGroup({ groupId: group, memberId: member }),
    );
  }

  /** @returns whether the group has members */
  async isGroupActive(coordinator: Address, group: string): Promise<boolean> {
    const { groups } = await this.#connections.call(coordinator, 'control', (broker) =>
      broker.describeGroups({ groupIds: [group] }),
    );
    return groups.some(({ members }) => members.length > 0);
  }

  /** A membership without member and with generation -1 commits for a group that has no members. */
  async commitOffsets(
    coordinator: Address,
    { group, member, generation }: Membership,
    offsets: readonly OffsetOf[],
  ): Promise<void> {
    const topics = byTopic(offsets, ({ partition, offset }) => ({ partition, offset: String(offset) }));
    await this.#connections.call(coordinator, 'control', (broker) =>
      broker.offsetCommit({ groupId: group, memberId: member, groupGenerationId: generation, topics }),
    );
  }

  /** @returns of those partitions for which the group has committed anything */
  async committedOffsets(
    coordinator: Address,
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<OffsetOf[]> {
    const topics = byTopic(partitions, ({ partition }) => ({ partition }));
    const { responses } = await this.#connections.call(coordinator, 'control', (broker) =>
      broker.offsetFetch({ groupId: group, topics }),
    );
    return offsetsOf(responses).filter(({ offset }) => offset >= 0);
  }

  /**
   * @param node the leader of the partitions
   * @param timestamp ms since the epoch; -2 for the earliest offset, -1 for the end
   * @returns offset -1 where no record is as late as the timestamp
   */
  async listOffsets(node: number, partitions: readonly TopicPartition[], timestamp: number): Promise<OffsetOf[]> {
    const topics = byTopic(partitions, ({ partition }) => ({ partition, timestamp }));
    const { responses } = await this.#connections.call(this.#addressOf(node), 'control', (broker) =>
      broker.listOffsets({ replicaId: -1, isolationLevel: READ_COMMITTED, topics }),
    );
    return offsetsOf(responses);
  }

  async initProducer(): Promise<{ producerId: bigint; producerEpoch: number }> {
    const { producerId, producerEpoch } = await this.#any((broker) =>
      broker.initProducerId({ transactionTimeout: REQUEST_TIMEOUT_MS }),
    );
    return { producerId: BigInt(producerId), producerEpoch };
  }

  async createTopic({ name, partitions, replication, config }: NewTopic): Promise<void> {
    const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
    const topic = { topic: name, numPartitions: partitions, replicationFactor: replication, configEntries };
    await this.#controller((broker) => broker.createTopics({ topics: [topic], timeout: ADMIN_TIMEOUT_MS }));
  }

  async addPartitions(topic: string, count: number): Promise<void> {
    const topicPartitions = [{ topic, count }];
    await this.#controller((broker) => broker.createPartitions({ topicPartitions, timeout: ADMIN_TIMEOUT_MS }));
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#controller((broker) => broker.deleteTopics({ topics: [topic], timeout: ADMIN_TIMEOUT_MS }));
  }

  async topicConfig(topic: string): Promise<ReadonlyMap<string, string>> {
    const { resources } = await this.#any((broker) =>
      broker.describeConfigs({ resources: [{ type: TOPIC_RESOURCE, name: topic }] }),
    );
    const entries = resources.flatMap(({ configEntries }) => configEntries);
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
  }

  async alterTopicConfig(topic: string, config: Readonly<Record<string, string>>): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await this.#any((broker) =>
      broker.alterConfigs({ resources: [{ type: TOPIC_RESOURCE, name: topic, configEntries }] }),
    );
  }

  /** Closes the connections of one lane; requests on their way fail. */
  closeLane(lane: string): void {
    this.#connections.closeLane(lane);
  }

  close(): void {
    this.#connections.close();
  }

  #forget({ host, port }: Address): void {
    this.#addresses = new Map([...this.#addresses].filter(([, it]) => it.host !== host || it.port !== port));
  }

  #addressOf(node: number): Address {
    const address = this.#addresses.get(node);
    if (address === undefined) throw new KafkaFault('CONNECTION', `broker ${node} is not known`, true);
    return address;
  }

  #send<T>(address: Address, lane: string, request: KafkaRequest<T>): Promise<T> {
    const { apiKey, version, name, body, waitMs } = request;
    return this.#connections.call(address, lane, (broker) =>
      broker.connectionPool.send({
        request: {
          apiKey,
          apiVersion: version,
          apiName: name,
          encode: async () => new Encoder(body.length).writeBuffer(body),
        },
        response: { decode: async (answer) => request.decode(answer), parse: async (decoded) => decoded },
        requestTimeout: waitMs + REQUEST_TIMEOUT_MS,
        logResponseError: false,
      }),
    );
  }

  async #any<T>(action: (broker: Broker) => Promise<T>): Promise<T> {
    if (this.#addresses.size === 0) await this.metadata([]);
    const [address] = shuffled([...this.#addresses.values()]);
    if (address === undefined) throw new KafkaFault('CONNECTION', 'no broker is known', true);
    return this.#connections.call(address, 'control', action);
  }

  async #controller<T>(action: (broker: Broker) => Promise<T>): Promise<T> {
    const { controller } = await this.metadata([]);
    return this.#connections.call(this.#addressOf(controller), 'control', action);
  }
}

function addressOf(broker: string): Address {
  const colon = broker.lastIndexOf(':');
  return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(broker.slice(colon + 1)) };
}

function byTopic<T extends TopicPartition, U>(
  items: readonly T[],
  each: (item: T) => U,
): { topic: string; partitions: U[] }[] {
  return [...Map.groupBy(items, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(each),
  }));
}

function offsetsOf(
  topics: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[],
): OffsetOf[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) })),
  );
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
