/**
 * The firehose beside servers that do the same work in the same run: replay beside those that keep messages on files, live
 * delivery beside those and nchan. Server on one core, load on the others, no compression; every reader checks order, holes
 * and repeats of every message. A peer that is not installed is left out with a line that says how to get it.
 */
import { durableStreams } from './peers/durable-streams.ts';
import { openLive } from './peers/live.ts';
import { nats, natsSynced } from './peers/nats.ts';
import { nchan } from './peers/nchan.ts';
import type { Peer } from './peers/peer.ts';
import { openReplay } from './peers/replay.ts';
import { sluice } from './peers/sluice.ts';
import type { BenchCase, BenchContext, OpenVariant, Suite, Variant } from './suite.ts';

/** Over all streams of a case, by the bytes of a message. */
const REPLAYED = new Map([
  [512, 150_000],
  [4096, 50_000],
]);
/**
 * Messages a second: a pace that every server here keeps on one core. What matters is how long each takes. To one stream it
 * makes 10,000 to 20,000 deliveries a second, to streams of their own as many as are published.
 */
const SHARED_PER_SECOND = new Map([
  [100, 100],
  [1_000, 20],
]);
const OWN_PER_SECOND = 200;

export const suite: Suite = {
  name: 'peers-firehose',
  about: 'the firehose beside NATS JetStream, Durable Streams and nchan',
  cases: [
    replay(1, 512),
    replay(1, 4096),
    replay(100, 512),
    replay(100, 4096),
    live('shared', 100, 512),
    live('shared', 1_000, 512),
    live('shared', 1_000, 4096),
    live('own', 100, 512),
    live('own', 1_000, 512),
  ],
};

function replay(streams: number, bytes: number): BenchCase {
  const readers = streams === 1 ? 'one client' : `${streams} clients at once, each its own stream`;
  const messages = REPLAYED.get(bytes)! / streams;
  return {
    name: `catch-up, ${readers}, ${messages} × ${bytes} B${streams === 1 ? '' : ' each'}`,
    unit: 'messages/s',
    better: 'higher',
    variants: [sluice, nats, durableStreams].map(
      variant((peer, context) => openReplay(peer, context, { streams, messages, bytes })),
    ),
  };
}

function live(streams: 'shared' | 'own', connections: number, bytes: number): BenchCase {
  const to = streams === 'shared' ? 'to one stream' : 'each to a stream of its own';
  const perSecond = streams === 'shared' ? SHARED_PER_SECOND.get(connections)! : OWN_PER_SECOND;
  return {
    name: `live, ${connections} connections, ${to}, ${bytes} B, ${perSecond} messages/s`,
    unit: 'ms p99',
    better: 'lower',
    variants: [sluice, nchan, nats, natsSynced, durableStreams].map(
      variant((peer, context) => openLive(peer, context, { streams, connections, bytes, perSecond })),
    ),
  };
}

function variant(open: (peer: Peer, context: BenchContext) => Promise<OpenVariant>): (peer: Peer) => Variant {
  return (peer) => ({
    name: peer.name,
    kind: peer.kind,
    durability: peer.durability,
    open: (context) => open(peer, context),
  });
}
