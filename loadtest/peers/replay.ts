/** Reading streams of a server from their beginning. */
import { keepOffServerCore } from '../firehose/server-process.ts';
import type { BenchContext, OpenVariant } from '../suite.ts';
import type { Peer } from './peer.ts';

export interface Replay {
  /** Each is read by a client of its own, all at once. */
  readonly streams: number;
  /** In each. */
  readonly messages: number;
  /** Of a message. */
  readonly bytes: number;
}

export async function openReplay(
  peer: Peer,
  { folder, scale }: BenchContext,
  { streams: count, messages: wanted, bytes }: Replay,
): Promise<OpenVariant> {
  keepOffServerCore();
  const streams = Array.from({ length: count }, (_, n) => `stream-${n}`);
  const messages = Math.max(10, Math.round(wanted * scale));
  const server = await peer.start({ folder, streams, apart: true });
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
      const all = messages * count;
      return {
        value: all / seconds,
        also: { mb_per_s: (all * bytes) / seconds / 1e6, cpu_us_each: (cpuSeconds / all) * 1e6 },
      };
    },
    close: () => server.stop(),
  };
}
