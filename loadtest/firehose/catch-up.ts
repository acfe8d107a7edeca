/** Reading a journal from its beginning as fast as it comes, and what a server reaches that only writes what it has. */
import type { BenchContext, OpenVariant } from '../suite.ts';
import { readAll, requestHead } from './raw-reader.ts';
import { keepOffServerCore, ServerProcess } from './server-process.ts';

const BYTES = 300;

/** @param messages in all, spread evenly over the clients, who read at the same time */
export async function catchUp({ folder, scale }: BenchContext, messages: number, count: number): Promise<OpenVariant> {
  keepOffServerCore();
  const clients = Array.from({ length: count }, (_, n) => `client-${n}`);
  const entries = Math.round((messages * scale) / count);
  const server = await ServerProcess.start('server.ts', [folder, clients.join()]);
  await server.ask({ kind: 'fill', clients, entries, bytes: BYTES });
  const requests = clients.map((client) => requestHead(server.token[client], { from: 'earliest', follow: false }));
  return {
    async measure() {
      const before = await server.usage({ collect: true });
      const began = performance.now();
      const results = await Promise.all(requests.map((request) => readAll(server.port, request)));
      const seconds = (performance.now() - began) / 1000;
      const cpuSeconds = (await server.usage({ collect: false })).cpuSeconds - before.cpuSeconds;
      for (const { end, lines } of results) {
        // Lines of chunk heads and trailers aside there is one to a message; goodbye comes after the last of them.
        if (!/"kind":"goodbye","reason":"until"/.test(end) || lines < entries) throw new Error(`cut off: ${end}`);
      }
      const bytes = results.reduce((sum, result) => sum + result.bytes, 0);
      return figures(entries * count, bytes, seconds, cpuSeconds);
    },
    close: () => server.stop(),
  };
}

/** The limit: buffers of 256 KiB that the server has had all along. */
export async function bufferServer({ scale }: BenchContext, wanted: number): Promise<OpenVariant> {
  keepOffServerCore();
  const messages = Math.round(wanted * scale);
  const server = await ServerProcess.start('raw-server.ts', [String(messages), String(BYTES)]);
  return {
    async measure() {
      const before = await server.usage({ collect: true });
      const { seconds, bytes, lines } = await readAll(server.port, requestHead(undefined, undefined));
      const cpuSeconds = (await server.usage({ collect: false })).cpuSeconds - before.cpuSeconds;
      if (lines < messages) throw new Error(`${lines} of ${messages} lines came`);
      return figures(messages, bytes, seconds, cpuSeconds);
    },
    close: () => server.stop(),
  };
}

function figures(messages: number, bytes: number, seconds: number, cpuSeconds: number) {
  return {
    value: messages / seconds,
    also: { mb_per_s: bytes / seconds / 1e6, messages_per_cpu_s: messages / cpuSeconds },
  };
}
