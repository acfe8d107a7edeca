/** The firehose itself, driven as its peers are: the read side on a journal that a thread beside it writes. */
import { openReader, requestHead } from '../firehose/raw-reader.ts';
import { ServerProcess } from '../firehose/server-process.ts';
import { followHttp } from './follow-http.ts';
import type { Peer, RunningPeer } from './peer.ts';
import { FRAMES, Sequence } from './sequence.ts';

export const sluice: Peer = {
  name: 'sluice',
  kind: 'subject',
  durability: 'journal, fsync before a message is sent, one for what waits',
  async start({ folder, streams }) {
    const server = await ServerProcess.start('server.ts', [folder, streams.join()]);
    let places = 0;
    const peer: RunningPeer = {
      async settle() {
        await server.usage({ collect: true });
      },
      cpuSeconds: async () => (await server.usage({ collect: false })).cpuSeconds,
      async fill(messages, bytes) {
        await server.ask({ kind: 'fill', clients: streams, entries: messages, bytes });
      },
      async publish(stream, bytes, at) {
        await server.ask({ kind: 'append', client: stream, bytes, n: ++places, at });
      },
      readAll: (stream, messages) =>
        new Promise((resolve, reject) => {
          // The first message follows none.
          const sequence = new Sequence(FRAMES, 0);
          const head = requestHead(server.token[stream], { from: 'earliest' });
          const opened = openReader(server.port, head, (data) => {
            try {
              sequence.take(data);
            } catch (error) {
              reject(error);
            }
            if (sequence.count === messages) void opened.then((socket) => resolve(void socket.destroy()));
          });
          opened.catch(reject);
        }),
      follow: (stream, follower) => followHttp(server.port, requestHead(server.token[stream], {}), FRAMES, follower),
      stop: () => server.stop(),
    };
    return peer;
  },
};
