/** nginx with nchan as a peer of live fan-out: it keeps messages in memory, and replay is not what it is for. */
import { startNchan } from '../firehose/nchan.ts';
import { requestHead } from '../firehose/raw-reader.ts';
import { followHttp } from './follow-http.ts';
import { type Peer, peerMessage } from './peer.ts';
import { PLACES } from './sequence.ts';

export const nchan: Peer = {
  name: 'nchan',
  kind: 'peer',
  durability: 'memory',
  async start({ folder, streams }) {
    const server = await startNchan(folder);
    const channels = new Map(streams.map((stream) => [stream, { places: 0, latest: Promise.resolve() }]));
    // Each message is a request of its own: one after the other, or those of a channel would overtake.
    const publish = (stream: string, bytes: number, at: number) => {
      const channel = channels.get(stream)!;
      const body = `${peerMessage(++channel.places, bytes - 1, at)}\n`;
      channel.latest = channel.latest.then(() => server.publish(stream, body));
      return channel.latest;
    };
    // A channel must have a message before a subscriber is answered its head.
    for (const stream of streams) await publish(stream, 512, 0);
    return {
      cpuSeconds: async () => server.cpuSeconds(),
      fill: () => Promise.reject(new Error('nchan has no replay to measure')),
      readAll: () => Promise.reject(new Error('nchan has no replay to measure')),
      publish,
      follow: (stream, follower) =>
        followHttp(server.port, requestHead(undefined, undefined, `/sub/${stream}`), PLACES, follower),
      stop: () => server.stop(),
    };
  },
};
