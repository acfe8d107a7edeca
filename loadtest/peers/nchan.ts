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
  async start({ folder }) {
    const server = await startNchan(folder);
    let places = 0;
    // Each message is a request of its own: one after the other, or they would overtake.
    let latest = Promise.resolve();
    const publish = (bytes: number, at: number) => {
      const body = `${peerMessage(++places, bytes - 1, at)}\n`;
      latest = latest.then(() => server.publish(body));
      return latest;
    };
    // A channel must have a message before a subscriber is answered its head.
    await publish(512, 0);
    return {
      cpuSeconds: async () => server.cpuSeconds(),
      fill: () => Promise.reject(new Error('nchan has no replay to measure')),
      readAll: () => Promise.reject(new Error('nchan has no replay to measure')),
      publish,
      follow: (_stream, follower) =>
        followHttp(server.port, requestHead(undefined, undefined, '/sub'), PLACES, follower),
      stop: () => server.stop(),
    };
  },
};
