/** Starts push: the journaler in a thread of its own, and the workers that deliver what it journals. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keepAsideTidy } from '../journal/aside.ts';
import { asideMetrics } from '../journal/aside-metrics.ts';
import { journalLag } from '../protocol/capacity/journal-lag.ts';
import { startCapacityReporter } from '../protocol/capacity/reporter.ts';
import { ConfigError } from '../protocol/config/load.ts';
import { nodeName } from '../protocol/node-name.ts';
import type { RoleContext, RunningRole } from '../protocol/role.ts';
import { ThreadSupervisor } from '../protocol/thread/thread-supervisor.ts';
import { openSealingKeys } from '../protocol/webhook/sealing.ts';
import { followWebhookRecords } from '../protocol/webhook/webhook-record.ts';
import type { PushConfig } from './config.ts';
import { Directory } from './deliver/directory.ts';
import { Notices } from './deliver/notices.ts';
import { openSender, type SenderOptions } from './deliver/sender.ts';
import { SharedRoom } from './deliver/shared-room.ts';
import { pushMetrics } from './metrics.ts';
import { pushRoutes } from './routes/push-routes.ts';
import { DeliveryStore } from './store/delivery-store.ts';
import type { FromJournaler, JournalerOptions } from './write/messages.ts';

const OBSERVE_MS = 5_000;
const ADAPT_MS = 100;
const EXPIRE_MS = 3_600_000;

export async function startPush(context: RoleContext, config: PushConfig): Promise<RunningRole> {
  const { log, logSettings, verifier, logger, metrics: registry, dataFolder, keysFolder } = context;
  await mkdir(dataFolder, { recursive: true });
  const sealingKeys = await openSealingKeys(keysFolder);
  const senderOptions = await readSenderOptions(config);
  const metrics = pushMetrics(registry);
  const store = new DeliveryStore(join(dataFolder, 'deliveries.sqlite'));
  const folder = join(dataFolder, 'journal');
  const notices = new Notices(log, () => directory.epoch!, Date.now, logger, metrics.noticeDropped);
  const room = new SharedRoom(config.concurrency.shared);
  const directory = new Directory(
    {
      folder,
      store,
      sealingKeys,
      metrics,
      logger,
      openSender: (url) => openSender(url, senderOptions, Date.now),
      room,
      notify: (endpoint, notice) => notices.tell(endpoint, notice),
      notices: () => notices.waiting,
      now: Date.now,
      random: Math.random,
    },
    config,
  );
  const journalerOptions: JournalerOptions = {
    log: logSettings,
    telemetry: context.telemetry,
    folder,
    book: join(dataFolder, 'endpoints.sqlite'),
    partitions: config.partitions,
    allowLoopback: config.allowLoopback,
    groupMs: config.groupMs,
    ...config.journal,
  };
  const journaler = new ThreadSupervisor<FromJournaler>(
    {
      name: 'the journaler of push',
      entry: new URL('./write/thread.ts', import.meta.url),
      data: journalerOptions,
      hear: (news) => directory.hear(news),
    },
    verifier,
    logger,
  );
  const changes = await followWebhookRecords(
    log,
    (change) => directory.changed(change),
    (error) => logger.warn({ err: error }, 'changes of webhooks cannot be read'),
  );
  // How far what is taken in is behind. What waits for endpoints is theirs: however long one is stuck, no image is refused for it.
  const stopReporting = startCapacityReporter({
    log,
    service: 'push',
    instance: nodeName(dataFolder),
    sample: journalLag(log, directory),
    now: Date.now,
    onError: (err) => logger.warn({ err }, 'capacity cannot be reported'),
  });
  const stopTidying = keepAsideTidy(`${folder}-aside`, config.journal, logger, asideMetrics(registry, 'push'));
  const stopAdapting = adaptRoom(room);
  const observing = setInterval(() => directory.observe(), OBSERVE_MS);
  const expiring = setInterval(() => store.expireDeadLetters(Date.now() - config.deadLetterRetentionMs), EXPIRE_MS);

  return {
    name: 'push',
    routes: pushRoutes({ directory, store, verifier, now: Date.now }),
    readiness: () => journaler.readiness(),
    async stop() {
      clearInterval(observing);
      stopAdapting();
      stopTidying();
      clearInterval(expiring);
      await changes.close();
      await stopReporting();
      await journaler.stop();
      await directory.stop();
      await notices.stop();
      store.close();
    },
  };
}

/** @returns how to end it */
function adaptRoom(room: SharedRoom): () => void {
  let before = performance.eventLoopUtilization();
  const adapting = setInterval(() => {
    const now = performance.eventLoopUtilization();
    room.adapt(performance.eventLoopUtilization(now, before).utilization);
    before = now;
  }, ADAPT_MS);
  return () => clearInterval(adapting);
}

async function readSenderOptions(config: PushConfig): Promise<SenderOptions> {
  const { caFile, certFile, keyFile } = config.tls;
  if ((certFile === '') !== (keyFile === ''))
    throw new ConfigError('push.tls: certFile and keyFile belong together: give both, or neither');
  const read = (file: string) => readFile(file, 'utf8');
  return {
    allowLoopback: config.allowLoopback,
    connectTimeoutMs: config.connectTimeoutMs,
    requestTimeoutMs: config.requestTimeoutMs,
    maxResponseBytes: config.maxResponseBytes,
    maxRetryAfterMs: config.maxRetryAfterMs,
    ...(caFile !== '' && { ca: [await read(caFile)] }),
    ...(certFile !== '' && { clientCertificate: { cert: await read(certFile), key: await read(keyFile) } }),
  };
}
