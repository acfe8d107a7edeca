/**
 * The limit of the push benchmark, in a process of its own: a loop that posts bodies with undici and does nothing else. Nothing is
 * read, signed, ordered, remembered or decided; headers have the length of real ones.
 */
import { Pool } from 'undici';

export interface RawRun {
  readonly urls: readonly string[];
  /** Over all URLs. */
  readonly requests: number;
  readonly body: string;
  /** Requests under way to each URL. */
  readonly concurrency: number;
}

const HEADERS = {
  'webhook-timestamp': '1700000000',
  'webhook-signature': `v1,${'A'.repeat(43)}=`,
  'content-type': 'application/json',
  'user-agent': 'Sluice-Push/1',
};

const pools = new Map<string, Pool>();

process.on('message', async ({ urls, requests, body, concurrency }: RawRun) => {
  const each = requests / urls.length;
  await Promise.all(urls.map((url, index) => post(url, index, each, Buffer.from(body), concurrency)));
  process.send!('done');
});
process.on('disconnect', () => process.exit());
process.send!('ready');

async function post(url: string, index: number, count: number, body: Buffer, concurrency: number): Promise<void> {
  const { origin, pathname } = new URL(url);
  let pool = pools.get(url);
  if (pool === undefined) {
    pool = new Pool(origin, { connections: concurrency, pipelining: 1 });
    pools.set(url, pool);
  }
  let next = 0;
  const loop = async () => {
    while (next < count) {
      const id = `00000000-0000-7000-8000-${String(index * 1e6 + next++).padStart(12, '0')}`;
      const headers = { 'webhook-id': id, ...HEADERS };
      const { body: answer } = await pool.request({ method: 'POST', path: pathname, headers, body });
      await answer.dump();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
}
