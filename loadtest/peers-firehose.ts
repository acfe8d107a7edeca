/**
 * The firehose beside servers that do the same work in the same run: replay beside those that keep messages on files, live
 * delivery beside those and nchan. Server on one core, load on the others, no compression; every reader checks order, holes
 * and repeats of every message. A peer that is not installed is left out with a line that says how to get it.
 */

import { needFiles } from './file-limit.ts';
import { keepOffServerCore } from './firehose/server-process.ts';
import { durableStreams } from './peers/durable-streams.ts';
import { nats } from './peers/nats.ts';
import { nchan } from './peers/nchan.ts';
import type { Peer } from './peers/peer.ts';
import { sluice } from './peers/sluice.ts';
import { quantile } from './statistics.ts';
import type { BenchCase, BenchContext, OpenVariant, Suite, Variant } from './suite.ts';

/** Over all streams of a case. */
const REPLAYED_BYTES = 150_000_000;
const LIVE_SECONDS = 4;
/** Deliveries a second at most: a pace that every server here can keep on one core. What matters is how long each takes. */
const MOST_DELIVERIES = 20_000;
const MOST_PUBLISHED = 100;
/** Published messages that are not yet accepted, at most. */
const WINDOW = 32;
/** Connections opened at once. */
const OPENING = 64;
const DELIVERY_TIMEOUT_MS = 60_000;

export const suite: Suite = {
  name: 'peers-firehose',
  about: 'the firehose beside NATS JetStream, Durable Streams and nchan',
  cases: [
    replay(1, 512),
    replay(1, 4096),
    replay(100, 512),
    live(100, 512),
    live(1_000, 512),
    live(1_000, 4096),
    live(10_000, 512),
  ],
};

function replay(streams: number, bytes: number): BenchCase {
  const readers = streams === 1 ? 'one client' : `${streams} clients at once, each its own stream`;
  return {
    name: `catch-up, ${readers}, ${bytes} B`,
    unit: 'messages/s',
    better: 'higher',
    variants: [sluice, nats, durableStreams].map(variant((peer, context) => openReplay(peer, context, streams, bytes))),
  };
}

function live(connections: number, bytes: number): BenchCase {
  return {
    name: `live, ${connections} connections to one stream, ${bytes} B, ${paceFor(connections)} messages/s`,
    unit: 'ms p99',
    better: 'lower',
    variants: [sluice, nchan, nats, durableStreams].map(
      variant((peer, context) => openLive(peer, context, connections, bytes)),
    ),
  };
}

function variant(open: (peer: Peer, context: BenchContext) => Promise<OpenVariant>): (peer: Peer) => Variant {
  return (peer) => ({
    name: peer.name,
    kind: peer.kind,
    durability: peer.durability,
    open: (context) => {
      keepOffServerCore();
      return open(peer, context);
    },
  });
}

async function openReplay(
  peer: Peer,
  { folder, scale }: BenchContext,
  count: number,
  bytes: number,
): Promise<OpenVariant> {
  const streams = Array.from({ length: count }, (_, n) => `stream-${n}`);
  const messages = Math.max(10, Math.round((REPLAYED_BYTES * scale) / bytes / count));
  const server = await peer.start({ folder, streams });
  await server.fill(messages, bytes).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  return {
    async measure() {
      const before = await server.cpuSeconds();
      const began = performance.now();
      await Promise.all(streams.map((stream) => server.readAll(stream, messages)));
      const seconds = (performance.now() - began) / 1000;
      const cpuSeconds = (await server.cpuSeconds()) - before;
      return { value: (messages * count) / seconds, also: { messages_per_cpu_s: (messages * count) / cpuSeconds } };
    },
    close: () => server.stop(),
  };
}

async function openLive(
  peer: Peer,
  { folder, scale }: BenchContext,
  count: number,
  bytes: number,
): Promise<OpenVariant> {
  const stream = 'shared';
  const connections = Math.max(1, Math.round(count * Math.min(1, scale)));
  const perSecond = paceFor(count);
  needFiles(connections + 2_048);
  const server = await peer.start({ folder, streams: [stream] });
  let latencies: number[] = [];
  let fault: Error | undefined;
  const reader = {
    onMessage: (at: number) => void latencies.push(performance.timeOrigin + performance.now() - at),
    onFault: (error: Error) => {
      fault ??= error;
    },
  };
  const closers: (() => void)[] = [];
  /** In each measurement anew: not more than one variant has its connections open. */
  const connect = async () => {
    while (closers.length < connections) {
      const several = Math.min(OPENING, connections - closers.length);
      closers.push(...(await Promise.all(Array.from({ length: several }, () => server.follow(stream, reader)))));
    }
  };
  return {
    async measure() {
      await connect();
      latencies = [];
      const began = performance.now();
      const open = new Set<Promise<void>>();
      let published = 0;
      for (; performance.now() - began < LIVE_SECONDS * 1000; published++) {
        const due = began + (published * 1000) / perSecond;
        if (due > performance.now()) await sleep(due - performance.now());
        while (open.size >= WINDOW) await Promise.race(open);
        const accepted = server.publish(bytes, performance.timeOrigin + due).finally(() => open.delete(accepted));
        open.add(accepted);
      }
      await Promise.all(open);
      const expected = published * connections;
      const deadline = performance.now() + DELIVERY_TIMEOUT_MS;
      while (latencies.length < expected && fault === undefined && performance.now() < deadline) await sleep(10);
      const seconds = (performance.now() - began) / 1000;
      // Whatever comes twice would come now.
      await sleep(200);
      for (const close of closers.splice(0)) close();
      if (fault !== undefined) throw fault;
      if (latencies.length !== expected) throw new Error(`${latencies.length} of ${expected} deliveries came`);
      const [p50, p99, p999] = [0.5, 0.99, 0.999].map((q) => quantile(latencies, q)) as [number, number, number];
      return {
        value: p99,
        also: { p50_ms: p50, p99_ms: p99, p999_ms: p999, deliveries_per_s: expected / seconds },
      };
    },
    close: () => server.stop(),
  };
}

/** Messages a second. */
function paceFor(connections: number): number {
  return Math.min(MOST_PUBLISHED, Math.max(1, Math.floor(MOST_DELIVERIES / connections)));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
