/** Starts the firehose: the journaler in its thread, the journals open for reading, the routes. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { keepAsideTidy } from '../journal/aside.ts';
import { asideMetrics } from '../journal/aside-metrics.ts';
import { journalLag } from '../protocol/capacity/journal-lag.ts';
import { startCapacityReporter } from '../protocol/capacity/reporter.ts';
import { RESULTS_TOPIC } from '../protocol/log/topics.ts';
import { nodeName } from '../protocol/node-name.ts';
import type { RoleContext, RunningRole } from '../protocol/role.ts';
import { ThreadSupervisor } from '../protocol/thread/thread-supervisor.ts';
import { keepYoungGenerationSmall } from '../protocol/young-generation.ts';
import type { FirehoseConfig } from './config.ts';
import { registerConsumerRoutes } from './consumers/consumer-routes.ts';
import { Consumers } from './consumers/consumers.ts';
import { registerMessageStream } from './durable/message-stream.ts';
import { assembleFirehose } from './firehose.ts';
import { registerConnectionRoutes } from './http/connection-routes.ts';
import { registerFirehoseRoutes } from './http/firehose-routes.ts';
import { takeConnectionsGivenUp } from './http/memory-in-flight.ts';
import { registerPlanRoute } from './http/plan-route.ts';
import { answerUnavailableAsEvent } from './http/unavailable-event.ts';
import type { FromJournaler, JournalerOptions } from './journaler/messages.ts';
import { Journals } from './journals/journals.ts';
import { type FirehoseMetrics, firehoseMetrics } from './metrics.ts';
import { answerElsewhere } from './nodes/answer-elsewhere.ts';
import { heldPartitions } from './nodes/held-partitions.ts';
import { Node } from './nodes/node.ts';
import { registerNodeRoutes } from './nodes/node-routes.ts';
import { LiveTail } from './stream/live-tail.ts';
import { Scheduler } from './stream/scheduler.ts';
import { Streams } from './stream/streams.ts';
import { registerTransactionRoutes } from './transactions/transaction-routes.ts';

type Appended = Extract<FromJournaler, { kind: 'appended' }>;

export async function startFirehose(context: RoleContext, config: FirehoseConfig): Promise<RunningRole> {
  keepYoungGenerationSmall();
  const { log, verifier, logger } = context;
  const { definition } = await log.describeTopic(RESULTS_TOPIC);
  // What cannot be meant is refused at once, and not by a thread that tries again and again.
  heldPartitions(config.partitions, config.node, definition.partitions);
  const folder = join(context.dataFolder, 'journal');
  const journals = new Journals(folder);
  const streams = new Streams({ perNode: config.maxStreams, overLimit: config.overLimit }, Date.now);
  const consumers = await Consumers.open(log, {
    maxPerClient: config.maxConsumersPerClient,
    lost: (client, name, owner) => fence(streams, client, name, owner),
    logger,
    now: Date.now,
  });
  const tail = new LiveTail();
  const node = await Node.join({
    log,
    logger,
    journals,
    config: config.node,
    dataFolder: context.dataFolder,
    now: Date.now,
  });
  const metrics = firehoseMetrics(context.metrics, {
    openStreams: () => streams.size,
    partitions: () => node.standings.all(),
    nodes: () => node.directory.all().length,
    takeConnectionsGivenUp,
  });
  const firehose = assembleFirehose({
    log,
    verifier,
    logger,
    config,
    journals,
    consumers,
    streams,
    tail,
    scheduler: new Scheduler(),
    metrics,
    nodeId: node.id,
    placement: node.placement,
    now: Date.now,
  });
  const { retentionMs, retentionBytes, volumeSpanMs, check } = config.journal;
  const journalerOptions: JournalerOptions = {
    log: context.logSettings,
    telemetry: context.telemetry,
    folder,
    retentionMs: retentionMs || undefined,
    retentionBytes: retentionBytes || undefined,
    volumeSpanMs,
    check,
    partitions: config.partitions,
    assignment: config.node,
  };
  const journaler = new ThreadSupervisor<FromJournaler>(
    {
      name: 'the journaler',
      entry: new URL('./journaler/thread.ts', import.meta.url),
      data: journalerOptions,
      hear(news) {
        if (news.kind === 'following') {
          journals.open(news.epoch, news.total, news.partitions);
          node.opened(news.total, news.opened);
          streams.nudge();
        } else if (news.kind === 'appended') {
          passOn(news, tail, metrics);
        } else report(news, logger, metrics);
      },
    },
    verifier,
    logger,
  );
  const stopReporting = startCapacityReporter({
    log,
    service: 'firehose',
    instance: nodeName(context.dataFolder),
    sample: journalLag(log, journals),
    now: Date.now,
    onError: (err) => logger.warn({ err }, 'capacity cannot be reported'),
  });
  const stopTidying = keepAsideTidy(
    `${folder}-aside`,
    config.journal,
    logger,
    asideMetrics(context.metrics, 'firehose'),
  );
  const stopping = new AbortController();
  return {
    name: 'firehose',
    routes: async (server) => {
      answerUnavailableAsEvent(server, metrics, Math.random);
      await server.register(async (scope) => {
        answerElsewhere(scope, { forwarder: node.forwarder, directory: node.directory, metrics });
        await registerFirehoseRoutes(scope, firehose);
        await registerPlanRoute(scope, firehose);
        await registerConsumerRoutes(scope, firehose);
        await registerConnectionRoutes(scope, firehose);
        await registerTransactionRoutes(scope, firehose);
        await registerNodeRoutes(scope, firehose, node.directory);
        registerMessageStream(scope, firehose, stopping.signal);
      });
    },
    readiness() {
      const following = journaler.readiness();
      return following.ready ? node.readiness() : following;
    },
    async stop() {
      stopping.abort();
      stopTidying();
      await node.leave();
      await streams.drain(() => config.drainRetryMs + Math.random() * config.drainSpreadMs);
      await stopReporting();
      await consumers.close();
      await journaler.stop();
      journals.close();
      await node.close();
    },
  };
}

/** Ends the connections of a named consumer that belongs to another one now. */
function fence(streams: Streams, client: string, name: string, owner: string | undefined): void {
  for (const stream of streams.of(client)) {
    if (stream.plan.consumer !== name || stream.id === owner) continue;
    if (owner === undefined) stream.end('closed', 0, `The consumer '${name}' was deleted.`);
    else stream.end('taken_over', 0, `Stream ${owner} has taken over the consumer '${name}'.`);
  }
}

/** Gives live readers what has just been journaled, in the bytes that it was journaled in. */
function passOn({ segments, data, duplicates }: Appended, tail: LiveTail, metrics: FirehoseMetrics): void {
  for (const segment of segments) {
    tail.appended({ ...segment, data: Buffer.from(data, segment.start, segment.length) });
  }
  const messages = segments.reduce((sum, { count }) => sum + count, 0);
  metrics.journaled(messages, data.byteLength, duplicates);
}

function report(message: FromJournaler, logger: Logger, metrics: FirehoseMetrics): void {
  switch (message.kind) {
    case 'poisoned':
      metrics.poisoned();
      logger.error({ ...message }, 'a record was set aside in dead-letter-1');
      break;
    case 'moved-aside':
      logger.error({ ...message }, 'a journal was moved aside and is built anew from the log');
      break;
    case 'incomplete':
      logger.warn({ ...message }, 'a journal was begun anew: what came before this offset, the log no longer has');
      break;
    case 'retired':
      logger.info({ ...message }, 'journal volumes were retired');
      break;
    case 'trouble':
      logger.warn(message.detail);
  }
}
