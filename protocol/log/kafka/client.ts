/**
 * Requests to Kafka brokers, and which broker each goes to.
 *
 * kafkajs opens connections, authenticates and encodes the smaller requests; its producer, its consumer and its retries
 * are not used (docs/adr/0004-kafka-client.md). A request is sent once; who sends it decides what a fault means.
 */
import type Broker from 'kafkajs/src/broker/index.js';
import { type Address, Connections, REQUEST_TIMEOUT_MS } from './connections.ts';
import { exchange } from './exchange.ts';
import { KafkaFault } from './fault.ts';
import { type KafkaRequest, type Metadata, metadataRequest } from './requests.ts';
import type { KafkaSettings } from './settings.ts';

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

  /** Acts on the broker at an address, over the connection of a lane. @throws {KafkaFault} */
  async at<T>(address: Address, lane: string, action: (broker: Broker) => Promise<T>): Promise<T> {
    return this.#connections.call(address, lane, action);
  }

  /** @throws {KafkaFault} */
  async onNode<T>(node: number, action: (broker: Broker) => Promise<T>): Promise<T> {
    return this.#connections.call(this.#addressOf(node), 'control', action);
  }

  /** Acts on whichever broker. @throws {KafkaFault} */
  async onAny<T>(action: (broker: Broker) => Promise<T>): Promise<T> {
    if (this.#addresses.size === 0) await this.metadata([]);
    const [address] = shuffled([...this.#addresses.values()]);
    if (address === undefined) throw new KafkaFault('CONNECTION', 'no broker is known', true);
    return this.#connections.call(address, 'control', action);
  }

  /** Acts on the broker that changes topics. @throws {KafkaFault} */
  async onController<T>(action: (broker: Broker) => Promise<T>): Promise<T> {
    const { controller } = await this.metadata([]);
    return this.onNode(controller, action);
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
    // kafkajs would open a second connection for fetches; here they have lanes of their own.
    return this.#connections.call(address, lane, (broker) =>
      exchange(broker.connectionPool.pool[0]!, request, request.waitMs + REQUEST_TIMEOUT_MS),
    );
  }
}

function addressOf(broker: string): Address {
  const colon = broker.lastIndexOf(':');
  return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(broker.slice(colon + 1)) };
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
