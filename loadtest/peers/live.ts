/** Messages to open connections at a pace that does not wait for anyone: how long each takes from when it was due. */
import { needFiles } from '../file-limit.ts';
import { publishFor } from '../firehose/publish-for.ts';
import { keepOffServerCore } from '../firehose/server-process.ts';
import { quantile } from '../statistics.ts';
import type { BenchContext, Measurement, OpenVariant } from '../suite.ts';
import type { Peer, RunningPeer } from './peer.ts';

export interface Live {
  /** Whether all connections read one stream, or each one its own. */
  readonly streams: 'shared' | 'own';
  readonly connections: number;
  /** Of a message. */
  readonly bytes: number;
  /** Messages a second, over all streams by turns. */
  readonly perSecond: number;
}

const SECONDS = 2;
/** The first measurement only warms up. */
const FIRST_SECONDS = 1;
/** Connections opened at once. */
const OPENING = 64;
const DELIVERY_TIMEOUT_MS = 60_000;
/** Whatever comes twice comes within this time; before it, what the opening of connections has left to do. */
const QUIET_MS = 200;
/** Of this process beside the connections. */
const OTHER_FILES = 1_000;

export async function openLive(
  peer: Peer,
  { folder, scale }: BenchContext,
  { streams: kind, connections: wanted, bytes, perSecond }: Live,
): Promise<OpenVariant> {
  keepOffServerCore();
  const connections = Math.max(1, Math.round(wanted * Math.min(1, scale)));
  needFiles(connections + OTHER_FILES);
  const streams = Array.from({ length: kind === 'shared' ? 1 : connections }, (_, n) => `stream-${n}`);
  const server = await peer.start({ folder, streams, apart: false });
  let seconds = FIRST_SECONDS;
  return {
    async measure() {
      // In each measurement anew: not more than one variant has its connections open.
      const readers = await connect(server, streams, connections);
      await server.settle?.();
      await sleep(QUIET_MS);
      const before = await server.cpuSeconds();
      const began = performance.now();
      const published = await publishFor(seconds, perSecond, (n, at) =>
        server.publish(streams[n % streams.length]!, bytes, at),
      );
      seconds = SECONDS;
      const expected = kind === 'shared' ? published * connections : published;
      await readers.delivered(expected);
      const ms = performance.now() - began;
      const cpuSeconds = (await server.cpuSeconds()) - before;
      await sleep(QUIET_MS);
      readers.close();
      readers.check(expected);
      return figures(readers.latencies, ms, cpuSeconds);
    },
    close: () => server.stop(),
  };
}

function figures(latencies: readonly number[], ms: number, cpuSeconds: number): Measurement {
  const [p50_ms, p99_ms, p999_ms] = [0.5, 0.99, 0.999].map((q) => quantile(latencies, q)) as [number, number, number];
  const count = latencies.length;
  const also = {
    p50_ms,
    p99_ms,
    p999_ms,
    deliveries_per_s: (count / ms) * 1000,
    cpu_us_each: (cpuSeconds / count) * 1e6,
  };
  return { value: p99_ms, also };
}

async function connect(server: RunningPeer, streams: readonly string[], connections: number) {
  const latencies: number[] = [];
  const closers: (() => void)[] = [];
  let fault: Error | undefined;
  const reader = {
    onMessage: (at: number) => void latencies.push(performance.timeOrigin + performance.now() - at),
    onFault: (error: Error) => {
      fault ??= error;
    },
  };
  const follow = (n: number) => server.follow(streams[n % streams.length]!, reader);
  while (closers.length < connections) {
    const several = Math.min(OPENING, connections - closers.length);
    const first = closers.length;
    closers.push(...(await Promise.all(Array.from({ length: several }, (_, n) => follow(first + n)))));
  }
  return {
    latencies,
    async delivered(expected: number) {
      const deadline = performance.now() + DELIVERY_TIMEOUT_MS;
      while (latencies.length < expected && fault === undefined && performance.now() < deadline) await sleep(5);
    },
    /** @throws a message is missing, out of order or there twice */
    check(expected: number) {
      if (fault !== undefined) throw fault;
      if (latencies.length !== expected) throw new Error(`${latencies.length} of ${expected} deliveries came`);
    },
    close() {
      for (const close of closers) close();
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
