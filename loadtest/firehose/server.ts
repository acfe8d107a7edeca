/** The firehose's read side alone in a process of its own, on a journal that a thread beside it writes: what is measured. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { FirehoseConfig } from '../../firehose/config.ts';
import type { Consumers } from '../../firehose/consumers/consumers.ts';
import { assembleFirehose } from '../../firehose/firehose.ts';
import { registerFirehoseRoutes } from '../../firehose/http/firehose-routes.ts';
import { takeConnectionsGivenUp } from '../../firehose/http/memory-in-flight.ts';
import { Journals } from '../../firehose/journals/journals.ts';
import { firehoseMetrics } from '../../firehose/metrics.ts';
import { LiveTail } from '../../firehose/stream/live-tail.ts';
import { Scheduler } from '../../firehose/stream/scheduler.ts';
import { Streams } from '../../firehose/stream/streams.ts';
import type { AppendedSegment } from '../../journal/appending.ts';
import { openTokenKeys } from '../../protocol/claims/keys.ts';
import { mintToken } from '../../protocol/claims/token.ts';
import { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { loadConfig } from '../../protocol/config/load.ts';
import { createHttpServer } from '../../protocol/http/server.ts';
import type { Log } from '../../protocol/log/log.ts';
import { keepYoungGenerationSmall } from '../../protocol/young-generation.ts';
import type { FromServer, ToServer } from './messages.ts';

keepYoungGenerationSmall();
const folder = process.argv[2]!;
const clients = process.argv[3]!.split(',');
const journalFolder = join(folder, 'journal');
const logger = pino({ level: 'silent' });
const keys = await openTokenKeys(join(folder, 'keys'));
const limits = { 'max-streams': '100000', 'max-streams-per-client': '100000', 'heartbeat-ms': '60000' };
const config = loadConfig(FirehoseConfig, { flags: limits, environment: {} });
const journals = new Journals(journalFolder);
const tail = new LiveTail();
const streams = new Streams({ perNode: config.maxStreams, overLimit: 'refuse-newest' }, Date.now);
const firehose = assembleFirehose({
  // Reading positions that lie within the journal asks the log nothing, and no stream here is a named consumer's.
  log: undefined as unknown as Log,
  consumers: undefined as unknown as Consumers,
  verifier: new TokenVerifier(() => keys),
  logger,
  config,
  journals,
  streams,
  tail,
  scheduler: new Scheduler(),
  metrics: firehoseMetrics(new Registry(), {
    openStreams: () => streams.size,
    partitions: () => [],
    nodes: () => 1,
    takeConnectionsGivenUp,
  }),
  nodeId: 'alone',
  placement: { check() {}, checkStream() {} },
  now: Date.now,
});

const say = (message: FromServer) => process.send!(message);
const appender = new Worker(new URL('./appender.ts', import.meta.url), { workerData: join(journalFolder, '0') });
appender.on(
  'message',
  (message: { kind: string; epoch: string; segments: (Omit<AppendedSegment, 'data'> & { data: Uint8Array })[] }) => {
    if (message.kind === 'open') void listen(message.epoch);
    else if (message.kind === 'done') say({ kind: 'done' });
    else {
      for (const segment of message.segments) {
        const { buffer, byteOffset, byteLength } = segment.data;
        tail.appended({ ...segment, data: Buffer.from(buffer, byteOffset, byteLength) });
      }
    }
  },
);
process.on('message', (message: ToServer) => {
  if (message.kind !== 'usage') return appender.postMessage(message);
  if (message.collect) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  say({ kind: 'usage', rssBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 });
});

async function listen(epoch: string): Promise<void> {
  journals.open(epoch, 1, [0]);
  const server = createHttpServer({ logger: logger as never, bodyLimit: 1 << 20 });
  await server.register((scope) => registerFirehoseRoutes(scope, firehose));
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const issuedAt = Date.now();
  const token = await Promise.all(
    clients.map(async (client) => {
      const claims = { client, grants: { 'firehose-1': {} }, issuedAt, expiresAt: issuedAt + 3_600_000 };
      return [client, await mintToken(keys, claims)] as const;
    }),
  );
  say({ kind: 'listening', port: Number(new URL(url).port), token: Object.fromEntries(token) });
}
