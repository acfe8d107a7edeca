/**
 * The firehose over HTTP: catch-up, live fan-out and idle connections, beside nchan and beside a server that only writes
 * buffers. Server on one core, load on the others. Order, count and duplicates are checked in every measurement.
 */
import { connectLimit, fanOut, nchanFanOut } from './firehose/fan-out.ts';
import { readAll, requestHead } from './firehose/raw-reader.ts';
import { ServerProcess } from './firehose/server-process.ts';
import type { BenchContext, OpenVariant, Suite } from './suite.ts';

const MESSAGES = 1_000_000;
const BYTES = 300;
const CLIENTS = 100;
const JOURNAL = 'journal with one fdatasync a batch';

const live = (connections: number, bytes: number) => ({
  name: `live: ${connections} connections of one client, ${bytes} B`,
  unit: 'deliveries/s',
  better: 'higher' as const,
  rounds: 3,
  variants: [
    {
      name: 'sluice',
      kind: 'subject' as const,
      durability: JOURNAL,
      open: (context: BenchContext) => fanOut(context, connections, bytes),
    },
    {
      name: 'nchan',
      kind: 'peer' as const,
      durability: 'memory',
      open: (context: BenchContext) => nchanFanOut(context, connections, bytes),
    },
  ],
});

const idle = (connections: number) => ({
  name: `idle: ${connections} open connections`,
  unit: 'KiB of RSS each',
  better: 'lower' as const,
  rounds: 1,
  goals: [{ subject: 'sluice', against: 'nchan', atMost: 0.8 }],
  variants: [
    {
      name: 'sluice',
      kind: 'subject' as const,
      durability: JOURNAL,
      open: (context: BenchContext) => connectLimit(context, connections, 'sluice'),
    },
    {
      name: 'nchan',
      kind: 'peer' as const,
      durability: 'memory',
      open: (context: BenchContext) => connectLimit(context, connections, 'nchan'),
    },
  ],
});

export const suite: Suite = {
  name: 'firehose',
  about: 'the firehose over HTTP on one core',
  cases: [
    {
      name: 'catch-up: 1M messages of 300 B, one client',
      unit: 'messages/s',
      better: 'higher',
      goals: [{ subject: 'sluice', against: 'buffers', atLeast: 0.5 }],
      variants: [
        { name: 'sluice', kind: 'subject', durability: JOURNAL, open: (context) => catchUp(context, 1) },
        { name: 'buffers', kind: 'limit', open: bufferServer },
      ],
    },
    {
      name: 'catch-up: 10k messages of 300 B each, 100 clients at once',
      unit: 'messages/s',
      better: 'higher',
      rounds: 3,
      variants: [
        { name: 'sluice', kind: 'subject', durability: JOURNAL, open: (context) => catchUp(context, CLIENTS) },
      ],
    },
    live(1, 512),
    live(100, 512),
    live(1000, 512),
    live(1000, 4096),
    idle(10_000),
  ],
};

async function catchUp({ folder, scale }: BenchContext, count: number): Promise<OpenVariant> {
  const clients = Array.from({ length: count }, (_, n) => `client-${n}`);
  const entries = Math.round((MESSAGES * scale) / count);
  const server = await ServerProcess.start('server.ts', [folder, clients.join()]);
  await server.ask({ kind: 'fill', clients, entries, bytes: BYTES });
  return {
    async measure() {
      const before = await server.usage({ collect: true });
      const began = performance.now();
      const results = await Promise.all(
        clients.map((client) =>
          readAll(server.port, requestHead(server.token[client], { from: 'earliest', follow: false })),
        ),
      );
      const seconds = (performance.now() - began) / 1000;
      const cpuSeconds = (await server.usage({ collect: false })).cpuSeconds - before.cpuSeconds;
      for (const { end, lines } of results) {
        // Lines of chunk heads and trailers aside there is one to a message; goodbye comes after the last of them.
        if (!/"kind":"goodbye","reason":"until"/.test(end) || lines < entries) throw new Error(`cut off: ${end}`);
      }
      const total = entries * count;
      const bytes = results.reduce((sum, result) => sum + result.bytes, 0);
      return {
        value: total / seconds,
        also: { mb_per_s: bytes / seconds / 1e6, messages_per_cpu_s: total / cpuSeconds },
      };
    },
    close: () => server.stop(),
  };
}

async function bufferServer({ scale }: BenchContext): Promise<OpenVariant> {
  const messages = Math.round(MESSAGES * scale);
  const server = await ServerProcess.start('raw-server.ts', [String(messages), String(BYTES)]);
  return {
    async measure() {
      const before = await server.usage({ collect: true });
      const { seconds, bytes, lines } = await readAll(server.port, requestHead(undefined, undefined));
      const cpuSeconds = (await server.usage({ collect: false })).cpuSeconds - before.cpuSeconds;
      if (lines < messages) throw new Error(`${lines} of ${messages} lines came`);
      return {
        value: messages / seconds,
        also: { mb_per_s: bytes / seconds / 1e6, messages_per_cpu_s: messages / cpuSeconds },
      };
    },
    close: () => server.stop(),
  };
}
