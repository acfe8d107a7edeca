/** Who is asked to publish: Sluice through its journal, or nchan. */
import type { BenchContext } from '../suite.ts';
import { marked } from './deliveries.ts';
import { startNchan } from './nchan.ts';
import { requestHead } from './raw-reader.ts';
import { ServerProcess } from './server-process.ts';

export interface Publisher {
  readonly port: number;
  /** Opens a subscription. */
  readonly request: string;
  /** Whether messages published one before the other is answered for come in the order in which they were published. */
  readonly ordered: boolean;
  /** Resolves when it has been accepted. @param n which message it is @param at when it was due, ms since the epoch */
  publish(n: number, at: number, bytes: number): Promise<unknown>;
  /** Of the process that serves the subscribers. */
  cpuSeconds(): Promise<number>;
  /** Likewise, after garbage has been collected. */
  rssBytes(): Promise<number>;
  stop(): Promise<void>;
}

const CLIENT = 'shared';

export async function startSluice({ folder }: Pick<BenchContext, 'folder'>): Promise<Publisher> {
  const server = await ServerProcess.start('server.ts', [folder, CLIENT]);
  return {
    port: server.port,
    request: requestHead(server.token[CLIENT], {}),
    ordered: true,
    publish: (n, at, bytes) => server.ask({ kind: 'append', client: CLIENT, bytes, n, at }),
    cpuSeconds: async () => (await server.usage({ collect: false })).cpuSeconds,
    rssBytes: async () => (await server.usage({ collect: true })).rssBytes,
    stop: () => server.stop(),
  };
}

/** @throws {VariantUnavailable} */
export async function startNchanPublisher({ folder }: Pick<BenchContext, 'folder'>): Promise<Publisher> {
  const nchan = await startNchan(folder);
  // A channel must have a message before a subscriber is answered its head.
  await nchan.publish(CLIENT, 'first\n');
  return {
    port: nchan.port,
    request: requestHead(undefined, undefined, `/sub/${CLIENT}`),
    // Each is published by a request of its own, over several connections.
    ordered: false,
    publish(n, at, bytes) {
      const front = `{${marked(n, at)}"fill":"`;
      return nchan.publish(CLIENT, `${front}${'x'.repeat(bytes - front.length - 3)}"}\n`);
    },
    cpuSeconds: async () => nchan.cpuSeconds(),
    rssBytes: async () => nchan.rssBytes(),
    stop: () => nchan.stop(),
  };
}
