/** Live and idle connections: one message to many readers, and what a reader costs that has nothing to read. */
import type { Socket } from 'node:net';
import { quantile } from '../statistics.ts';
import type { BenchContext, OpenVariant } from '../suite.ts';
import { startNchan } from './nchan.ts';
import { openReader, requestHead } from './raw-reader.ts';
import { ServerProcess } from './server-process.ts';

const CLIENT = 'shared';
/** Connections opened at once. */
const OPENING = 64;
const SECONDS = 3;
const PER_SECOND = 100;
const AT = /"at":(\d+(?:\.\d+)?)/g;

interface Delivery {
  readonly latencies: number[];
  count: number;
}

export async function fanOut(
  { folder, scale }: BenchContext,
  connections: number,
  bytes: number,
): Promise<OpenVariant> {
  const server = await ServerProcess.start('server.ts', [folder, CLIENT]);
  const request = requestHead(server.token[CLIENT], {});
  return measured(
    scale,
    connections,
    server.port,
    request,
    () => server.ask({ kind: 'append', clients: [CLIENT], bytes }),
    () => server.stop(),
  );
}

export async function nchanFanOut(
  { folder, scale }: BenchContext,
  connections: number,
  bytes: number,
): Promise<OpenVariant> {
  const nchan = await startNchan(folder);
  const publish = () => {
    const front = `{"at":${performance.timeOrigin + performance.now()},"fill":"`;
    return nchan.publish(`${front}${'x'.repeat(bytes - front.length - 3)}"}\n`);
  };
  // A channel must have a message before a subscriber is answered its head.
  await publish();
  return measured(scale, connections, nchan.port, requestHead(undefined, undefined, '/sub'), publish, () =>
    nchan.stop(),
  );
}

async function measured(
  scale: number,
  connections: number,
  port: number,
  request: string,
  publish: () => Promise<unknown>,
  stop: () => Promise<void>,
): Promise<OpenVariant> {
  const delivery: Delivery = { latencies: [], count: 0 };
  const sockets = await openMany(Math.max(1, Math.round(connections * Math.min(1, scale))), () =>
    openReader(port, request, (data) => note(delivery, data)),
  );
  return {
    async measure() {
      await settled(delivery);
      delivery.latencies.length = 0;
      delivery.count = 0;
      const began = performance.now();
      let published = 0;
      while (performance.now() - began < SECONDS * 1000) {
        await publish();
        published++;
        const ahead = (published / PER_SECOND) * 1000 - (performance.now() - began);
        if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
      }
      await settled(delivery);
      const expected = published * sockets.length;
      if (delivery.count !== expected) throw new Error(`${delivery.count} of ${expected} deliveries came`);
      const seconds = (performance.now() - began) / 1000;
      const [p50, p99, p999] = [0.5, 0.99, 0.999].map((q) => quantile(delivery.latencies, q)) as [
        number,
        number,
        number,
      ];
      return {
        value: expected / seconds,
        also: { p50_ms: p50, p99_ms: p99, p999_ms: p999, published_per_s: published / seconds },
      };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await stop();
    },
  };
}

/** Resident memory that each of many idle connections adds to the server. */
export async function connectLimit(
  { folder, scale }: BenchContext,
  wanted: number,
  which: 'sluice' | 'nchan',
): Promise<OpenVariant> {
  const connections = Math.round(wanted * scale);
  const nchan = which === 'nchan' ? await startNchan(folder) : undefined;
  await nchan?.publish('first\n');
  const server = nchan === undefined ? await ServerProcess.start('server.ts', [folder, CLIENT]) : undefined;
  await server?.ask({ kind: 'append', clients: [CLIENT], bytes: 512 });
  const port = nchan?.port ?? server!.port;
  const request =
    nchan === undefined ? requestHead(server!.token[CLIENT], {}) : requestHead(undefined, undefined, '/sub');
  const rss = async () => nchan?.rssBytes() ?? (await server!.usage({ collect: true })).rssBytes;
  const open = (count: number) => openMany(count, () => openReader(port, request, () => {}));
  const sockets: Socket[] = await open(100);
  return {
    async measure() {
      const before = await rss();
      const opened = await open(connections - sockets.length);
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      const each = ((await rss()) - before) / opened.length / 1024;
      for (const socket of opened) socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return { value: each };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await nchan?.stop();
      await server?.stop();
    },
  };
}

async function openMany(count: number, open: () => Promise<Socket>): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    sockets.push(...(await Promise.all(Array.from({ length: Math.min(OPENING, count - sockets.length) }, open))));
  }
  return sockets;
}

function note(delivery: Delivery, data: Buffer): void {
  const now = performance.timeOrigin + performance.now();
  for (const [, at] of data.toString('latin1').matchAll(AT)) {
    delivery.latencies.push(now - Number(at));
    delivery.count++;
  }
}

/** Waits until nothing more has come for a while. */
async function settled(delivery: Delivery): Promise<void> {
  for (let before = -1; before !== delivery.count; ) {
    before = delivery.count;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
