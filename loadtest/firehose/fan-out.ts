/** One message to many live connections: how soon at a steady pace, and how many at the most. */
import { needFiles } from '../file-limit.ts';
import type { BenchContext, Measurement, OpenVariant } from '../suite.ts';
import { Deliveries } from './deliveries.ts';
import { openMany } from './open-many.ts';
import { publishFor } from './publish-for.ts';
import type { Publisher } from './publisher.ts';
import { keepOffServerCore } from './server-process.ts';

export interface FanOut {
  readonly connections: number;
  /** Of a message. */
  readonly bytes: number;
  /** Messages published a second, whether the ones before have arrived or not; undefined: as many as it takes. */
  readonly perSecond: number | undefined;
}

const SECONDS = 2;
/** Of this process beside the connections. */
const OTHER_FILES = 1_000;

export async function fanOut(
  { folder, scale }: BenchContext,
  { connections, bytes, perSecond }: FanOut,
  start: (context: { folder: string }) => Promise<Publisher>,
): Promise<OpenVariant> {
  keepOffServerCore();
  const readers = Math.max(1, Math.round(connections * Math.min(1, scale)));
  needFiles(readers + OTHER_FILES);
  const publisher = await start({ folder });
  return {
    async measure() {
      const deliveries = new Deliveries();
      // Opened for each measurement: only one variant of a case has its connections open at a time.
      const sockets = await openMany(readers, publisher, () => deliveries.reader());
      await publisher.rssBytes(); // which collects what the opening has left behind
      await deliveries.settled();
      const cpuBefore = await publisher.cpuSeconds();
      const began = performance.now();
      const published = await publishFor(SECONDS, perSecond, (n, at) => publisher.publish(n, at, bytes));
      await deliveries.settled();
      const cpuSeconds = (await publisher.cpuSeconds()) - cpuBefore;
      deliveries.check(published);
      if (publisher.ordered && deliveries.unordered > 0) throw new Error(`${deliveries.unordered} came out of order`);
      for (const socket of sockets) socket.destroy();
      return result(deliveries, published, deliveries.latest - began, cpuSeconds, perSecond !== undefined);
    },
    close: () => publisher.stop(),
  };
}

function result(
  deliveries: Deliveries,
  published: number,
  ms: number,
  cpuSeconds: number,
  paced: boolean,
): Measurement {
  const perSecond = (deliveries.count / ms) * 1000;
  const also = { published_per_s: (published / ms) * 1000, cpu_us_each: (cpuSeconds / deliveries.count) * 1e6 };
  if (!paced) return { value: perSecond, also };
  // At a pace that is kept the number is given; what counts is how long each took.
  const latencies = deliveries.latencies();
  return { value: latencies.p99_ms, also: { ...latencies, deliveries_per_s: perSecond, ...also } };
}
