/** NATS JetStream as a peer: a stream on files for each stream, and an ordered push consumer with flow control for each reader. */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuSeconds } from '../processor-time.ts';
import { VariantUnavailable } from '../suite.ts';
import { NatsConnection, newInbox } from './nats-connection.ts';
import { type Follower, type Peer, type PeerOptions, peerMessage, type RunningPeer } from './peer.ts';
import { PLACES, Sequence } from './sequence.ts';
import { freePort, startServerChild } from './server-child.ts';

/** Messages on their way to be acknowledged while a stream is filled. */
const WINDOW = 1_000;
const HEARTBEAT_NS = 5e9;

/** One of our own build, which goes before Debian's: that one is too old to be told when to sync. */
const BUILT = fileURLToPath(new URL('../../.cache/peers/bin/nats-server', import.meta.url));
const BUILD = 'GOBIN="$PWD/.cache/peers/bin" go install github.com/nats-io/nats-server/v2@v2.10.29';
/** The stream that holds all subjects where they are not kept apart. */
const ALL = 'all';

export const nats = natsPeer(
  'NATS JetStream',
  'file store, acknowledged before the disk has it (fsync every 2 minutes, its default)',
  '',
);

/** What the journal promises, too: acknowledged is synced. */
export const natsSynced = natsPeer(
  'NATS JetStream, sync always',
  'file store, fsync before a message is acknowledged (sync_interval: always)',
  'sync_interval: always',
);

function natsPeer(name: string, durability: string, setting: string): Peer {
  return { name, kind: 'peer', durability, start: (options) => start(options, setting) };
}

/** @param setting of JetStream, beside those that hold for all */
async function start({ folder, streams, apart }: PeerOptions, setting: string): Promise<RunningPeer> {
  const command = existsSync(BUILT) ? BUILT : 'nats-server';
  if (spawnSync(command, ['--version']).status !== 0)
    throw new VariantUnavailable(`apt-get install nats-server, or ${BUILD}`);
  const port = await freePort();
  const config = join(folder, 'nats.conf');
  // Readers of one process may lag for a while on a machine as small as this: that is not to end their connection.
  writeFileSync(
    config,
    `listen: "127.0.0.1:${port}"
       max_connections: 60000
       max_pending: 1GB
       write_deadline: "60s"
       jetstream { store_dir: "${folder}/store", max_file_store: 50GB, max_memory_store: 2GB, ${setting} }`,
  );
  if (spawnSync(command, ['-t', '-c', config]).status !== 0)
    throw new VariantUnavailable(`this NATS knows no '${setting}': ${BUILD}`);
  const server = await startServerChild(command, ['-c', config, '-l', join(folder, 'nats.log')], port);
  let fault: Error | undefined;
  const control = await NatsConnection.open(port, (error) => {
    fault = error;
  });
  for (const stream of apart ? streams : [ALL])
    await control.request(`$JS.API.STREAM.CREATE.${stream}`, {
      name: stream,
      subjects: [apart ? `in.${stream}` : 'in.*'],
      storage: 'file',
      retention: 'limits',
      discard: 'old',
      max_consumers: -1,
      max_msgs: -1,
      max_bytes: -1,
      max_age: 0,
      num_replicas: 1,
    });
  const places = new Map(streams.map((stream) => [stream, 0]));
  const publisher = new Publisher(control);
  const peer: RunningPeer = {
    cpuSeconds: async () => cpuSeconds(server.pid),
    async fill(messages, bytes) {
      for (const stream of streams)
        for (let place = 1; place <= messages; place += WINDOW) {
          const count = Math.min(WINDOW, messages - place + 1);
          await Promise.all(
            Array.from({ length: count }, (_, n) => publisher.publish(stream, peerMessage(place + n, bytes))),
          );
        }
      for (const stream of streams) places.set(stream, messages);
    },
    async publish(stream, bytes, at) {
      if (fault !== undefined) throw fault;
      const place = places.get(stream)! + 1;
      places.set(stream, place);
      await publisher.publish(stream, peerMessage(place, bytes, at));
    },
    readAll: (stream, messages) =>
      new Promise((resolve, reject) => {
        const sequence = new Sequence(PLACES, 1);
        const consumed = consume(port, { stream, apart, deliver: 'all' }, reject, (payload) => {
          sequence.take(payload);
          if (sequence.count === messages) void consumed.then((close) => resolve(close()));
        });
        consumed.catch(reject);
      }),
    follow: (stream, { onMessage, onFault }: Follower) => {
      const sequence = new Sequence(PLACES);
      return consume(port, { stream, apart, deliver: 'new' }, onFault, (payload) => sequence.take(payload, onMessage));
    },
    stop: async () => {
      control.close();
      await server.stop();
    },
  };
  return peer;
}

/** Publishes with acknowledgement; they come in the order of what they acknowledge. */
class Publisher {
  readonly #connection: NatsConnection;
  readonly #inbox = newInbox();
  readonly #waiting: PromiseWithResolvers<void>[] = [];

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    connection.subscribe(this.#inbox, ({ payload }) => {
      const { resolve, reject } = this.#waiting.shift()!;
      if (payload.includes('"error"')) reject(new Error(`NATS refuses a message: ${payload}`));
      else resolve();
    });
  }

  publish(stream: string, payload: string): Promise<void> {
    const acknowledged = Promise.withResolvers<void>();
    this.#waiting.push(acknowledged);
    this.#connection.publish(`in.${stream}`, payload, this.#inbox);
    return acknowledged.promise;
  }
}

/** A connection of its own with one ephemeral consumer, as its clients' ordered consumers are. @returns how to close it */
async function consume(
  port: number,
  { stream, apart, deliver }: { stream: string; apart: boolean; deliver: 'all' | 'new' },
  onFault: (error: Error) => void,
  onPayload: (payload: Buffer) => void,
): Promise<() => void> {
  const connection = await NatsConnection.open(port, onFault);
  const inbox = newInbox();
  connection.subscribe(inbox, ({ payload, reply, status }) => {
    if (status.startsWith('NATS/1.0 100')) {
      if (reply !== undefined) connection.publish(reply, '');
    } else onPayload(payload);
  });
  const holder = apart ? stream : ALL;
  await connection.request(`$JS.API.CONSUMER.CREATE.${holder}`, {
    stream_name: holder,
    config: {
      filter_subject: `in.${stream}`,
      deliver_subject: inbox,
      deliver_policy: deliver,
      ack_policy: 'none',
      replay_policy: 'instant',
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: HEARTBEAT_NS,
      mem_storage: true,
    },
  });
  return () => connection.close();
}
