/**
 * The whole system with real images and models: every role, from submission to the last result on the client's firehose,
 * beside the loops that only decode and infer. On the embedded log in one process, and on Kafka with a process for each role.
 */
import type { BenchContext, Measurement, OpenVariant, Suite } from './suite.ts';
import { type Deployment, startEmbedded, startOnKafka } from './system/deployment.ts';
import { ImageLoad } from './system/images.ts';
import { askRaw, endRaw, forkRaw } from './vision/raw-process.ts';
import { samples } from './vision/work.ts';

const SERVICES = ['faceextract', 'ocr', 'barcode'];
/** How often a measurement goes through the samples. */
const PASSES = 4;
/** Of the rate that a deployment does when it is given all it takes. */
const LATENCY_LOAD = 0.5;

const EMBEDDED = 'all roles in one process, embedded log';
const KAFKA = 'a process for each role, Kafka';
const RAW = 'raw loops, one service after the other';
const durability = 'images and results fsynced in groups';

export const suite: Suite = {
  name: 'system',
  about: 'the sample images through all roles and all three vision services, on the processor',
  cases: [
    {
      name: 'images through the system',
      unit: 'images/s, each through three services',
      better: 'higher',
      rounds: 3,
      goals: [{ subject: EMBEDDED, against: RAW, atLeast: 0.8 }],
      variants: [
        { name: EMBEDDED, kind: 'subject', durability, open: (context) => openThroughput(context, startEmbedded) },
        {
          name: KAFKA,
          kind: 'subject',
          durability: "one broker's acknowledgement",
          open: (context) => openThroughput(context, startOnKafka),
        },
        { name: RAW, kind: 'limit', open: openRaw },
      ],
    },
    {
      name: 'accepted to received, at half of the load: p50',
      unit: 'ms',
      better: 'lower',
      rounds: 3,
      variants: [
        { name: EMBEDDED, kind: 'subject', durability, open: (context) => openLatency(context, startEmbedded) },
        {
          name: KAFKA,
          kind: 'subject',
          durability: "one broker's acknowledgement",
          open: (context) => openLatency(context, startOnKafka),
        },
      ],
    },
  ],
};

const passesOf = (scale: number) => Math.max(1, Math.round(PASSES * scale));

type Start = (folder: string) => Promise<Deployment>;

async function openThroughput({ folder, scale }: BenchContext, start: Start): Promise<OpenVariant> {
  const deployment = await start(folder);
  const load = await ImageLoad.open(deployment);
  const count = passesOf(scale) * samples().length;
  return {
    async measure() {
      const before = deployment.cpu();
      const { seconds, p50Ms, p99Ms } = await load.send(count, 0);
      const cpu = cpuByRole(before, deployment.cpu(), count);
      return { value: count / seconds, also: { p50_ms: p50Ms, p99_ms: p99Ms, ...cpu } };
    },
    close: () => closeBoth(load, deployment),
  };
}

async function openLatency({ folder, scale }: BenchContext, start: Start): Promise<OpenVariant> {
  const deployment = await start(folder);
  const load = await ImageLoad.open(deployment);
  const count = passesOf(scale) * samples().length;
  // Once to warm up, once to see what half of the load is.
  await load.send(samples().length, 0);
  const { seconds } = await load.send(count, 0);
  const intervalMs = (seconds / count / LATENCY_LOAD) * 1000;
  return {
    async measure(): Promise<Measurement> {
      const { p50Ms, p99Ms } = await load.send(count, intervalMs);
      return { value: p50Ms, also: { p99_ms: p99Ms, images_per_s: 1000 / intervalMs } };
    },
    close: () => closeBoth(load, deployment),
  };
}

/** Each service goes through all images with all cores; together that is what the models alone take. */
async function openRaw({ scale }: BenchContext): Promise<OpenVariant> {
  const children = await Promise.all(SERVICES.map(forkRaw));
  const [images, times] = [samples(), passesOf(scale)];
  return {
    async measure() {
      let total = 0;
      for (const child of children) total += (await askRaw(child, { images, times })).seconds;
      return { value: (images.length * times) / total };
    },
    async close() {
      await Promise.all(children.map(endRaw));
    },
  };
}

/** Milliseconds of a core for each image, by role, and each role's share of them all. */
function cpuByRole(before: Record<string, number>, after: Record<string, number>, images: number) {
  const spent = Object.entries(after).map(([role, seconds]) => [role, seconds - (before[role] ?? 0)] as const);
  const total = spent.reduce((sum, [, seconds]) => sum + seconds, 0);
  return Object.fromEntries(
    spent.flatMap(([role, seconds]) => [
      [`${role}_cpu_ms`, (seconds * 1000) / images],
      [`${role}_cpu_share`, seconds / total],
    ]),
  );
}

async function closeBoth(load: ImageLoad, deployment: Deployment): Promise<void> {
  await load.close();
  await deployment.stop();
}
