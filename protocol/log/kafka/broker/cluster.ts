/**
 * A real Kafka cluster on this machine: one or several brokers that are controllers too (KRaft), for development and tests.
 *
 * Small heaps, a serial collector and no optimising compiler: a broker here serves a handful of clients and has to start quickly.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { KafkaBroker } from './broker.ts';
import { ensureKafkaJars, type KafkaJars } from './jars.ts';

export interface KafkaClusterOptions {
  /** Holds configuration, data and logs. A folder that was used before is started with what it holds. */
  readonly folder: string;
  /** Default 1. With three, topics and offsets are kept on all three. */
  readonly brokers?: number;
  /** Port of the first broker; the others follow. Default: whichever are free. */
  readonly port?: number;
  /** More server properties, e.g. for authentication. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Users to know from the start, as the storage tool's --add-scram takes them. */
  readonly scramUsers?: readonly string[];
  /** Protocol of the client listener. Default PLAINTEXT. */
  readonly security?: 'PLAINTEXT' | 'SASL_PLAINTEXT' | 'SSL' | 'SASL_SSL';
  /** Ports of proxies: for each a listener of its own, which sends its clients there. One broker only. */
  readonly proxyPorts?: readonly number[];
}

export interface KafkaCluster {
  /** host:port of each broker. */
  readonly bootstrap: readonly string[];
  readonly brokers: readonly KafkaBroker[];
  /** Where each proxy leads: the port of its listener. */
  readonly listenerPorts: readonly number[];
  /** Stops every broker that runs, cleanly. */
  stop(): Promise<void>;
}

// Any 22 characters of base64 that are 16 bytes; one cluster a folder, so one identity does.
const CLUSTER_ID = 'c2x1aWNlLWxvY2FsLTAwMQ';

/** Resolves when every broker serves. @throws {MissingToolError} */
export async function startKafka(options: KafkaClusterOptions): Promise<KafkaCluster> {
  const jars = ensureKafkaJars();
  await archiveClasses(jars);
  return startBrokers(jars, options);
}

async function startBrokers(jars: KafkaJars, options: KafkaClusterOptions): Promise<KafkaCluster> {
  const { folder, brokers: count = 1, port, scramUsers = [], proxyPorts = [] } = options;
  mkdirSync(folder, { recursive: true });
  const ports = await freePorts(count * 2 + proxyPorts.length, port);
  const listenerPorts = ports.slice(count * 2);
  const members = Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    port: ports[index]!,
    controllerPort: ports[count + index]!,
  }));
  const brokers = members.map((member) => {
    const configuration = join(folder, `broker-${member.id}.properties`);
    const data = join(folder, `data-${member.id}`);
    writeFileSync(configuration, properties(member, members, data, options) + proxied(member, listenerPorts, options));
    return new KafkaBroker({ jars, configuration, data, clusterId: CLUSTER_ID, scramUsers, port: member.port });
  });
  const stop = async () => {
    await Promise.all(brokers.map((broker) => broker.stop()));
  };
  try {
    await Promise.all(brokers.map((broker) => broker.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { bootstrap: brokers.map((broker) => `127.0.0.1:${broker.port}`), brokers, listenerPorts, stop };
}

/** Runs a broker once for the archive of its classes. Without it a broker starts too, only slower. */
async function archiveClasses(jars: KafkaJars): Promise<void> {
  if (existsSync(jars.archive)) return;
  const folder = `${jars.archive}.${process.pid}`;
  try {
    const cluster = await startBrokers({ ...jars, archive: `new:${jars.archive}` }, { folder });
    await cluster.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Member {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
}

function properties(
  { id, port, controllerPort }: Member,
  members: readonly Member[],
  data: string,
  { security = 'PLAINTEXT', properties: more = {} }: KafkaClusterOptions,
): string {
  const copies = Math.min(members.length, 3);
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': members.map((it) => `${it.id}@127.0.0.1:${it.controllerPort}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'CLIENT',
    listeners: `CLIENT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${port}`,
    'listener.security.protocol.map': `CLIENT:${security},CONTROLLER:PLAINTEXT`,
    'log.dirs': data,
    'auto.create.topics.enable': false,
    'default.replication.factor': copies,
    'min.insync.replicas': Math.max(1, copies - 1),
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    // Images are large messages; a topic's own limit decides.
    'message.max.bytes': 64 << 20,
    'replica.fetch.max.bytes': 64 << 20,
    // Consumers come and go in development: no waiting for more of them, and sessions as short as tests want.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.dedupe.buffer.size': 4 << 20,
    'log.cleaner.backoff.ms': 2000,
    // A lost broker is noticed within seconds.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    ...more,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** Overrides the properties of the same names. */
function proxied(
  { port, controllerPort }: Member,
  listenerPorts: readonly number[],
  { security = 'PLAINTEXT', proxyPorts = [] }: KafkaClusterOptions,
): string {
  if (proxyPorts.length === 0) return '';
  const address = (name: string, at: number) => `${name}://127.0.0.1:${at}`;
  const listeners = listenerPorts.map((at, index) => address(`PROXY${index}`, at));
  const advertised = proxyPorts.map((at, index) => address(`PROXY${index}`, at));
  const protocols = proxyPorts.map((_at, index) => `PROXY${index}:${security}`);
  return [
    `listeners=${[address('CLIENT', port), address('CONTROLLER', controllerPort), ...listeners]}`,
    `advertised.listeners=${[address('CLIENT', port), ...advertised]}`,
    `listener.security.protocol.map=${[`CLIENT:${security}`, 'CONTROLLER:PLAINTEXT', ...protocols]}`,
    '',
  ].join('\n');
}

/** @param first asks for this port and those after it, without looking whether they are free */
async function freePorts(count: number, first: number | undefined): Promise<number[]> {
  if (first !== undefined) return Array.from({ length: count }, (_, index) => first + index);
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.once('listening', () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
