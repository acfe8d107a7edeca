/**
 * `npm run canary -- --url http://… --token …`: a slight load that never ends, as a client of its own. Serves what it
 * sees at /metrics: end-to-end latency and completeness as customers have them.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { LoadClient } from './load/load-client.ts';

interface Options {
  readonly url: string;
  readonly firehoseUrl?: string;
  readonly token: string;
  readonly interval: number;
  readonly port: number;
  readonly image: string;
}

await new Command('canary')
  .description('Sends an image every so often and measures what becomes of it')
  .requiredOption('--url <url>', 'Where images go')
  .option('--firehose-url <url>', 'Where the firehose comes from, if elsewhere')
  .requiredOption('--token <token>', 'The canary is a client of its own, with its own limits')
  .option('--interval <seconds>', 'Between two images', positive, 10)
  .option('--port <port>', 'Where /metrics is served', positive, 9464)
  .option('--image <file>', 'What is sent', 'vision/samples/card.jpg')
  .action(canary)
  .parseAsync();

async function canary(options: Options): Promise<void> {
  const registry = new Registry();
  const registers = [registry];
  const submissions = new Counter({
    name: 'sluice_canary_submissions_total',
    help: 'Images sent, by what the gateway said',
    labelNames: ['outcome'],
    registers,
  });
  const seconds = new Histogram({
    name: 'sluice_canary_end_to_end_seconds',
    help: "From the start of the request to the last service's completion being read from the firehose",
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers,
  });
  const { url, firehoseUrl } = options;
  const client = await LoadClient.open({
    url,
    ...(firehoseUrl !== undefined && { firehoseUrl }),
    token: options.token,
    image: await readFile(options.image),
    mediaType: options.image.endsWith('.png') ? 'image/png' : 'image/jpeg',
    now: () => performance.now(),
    onFinished: ({ latencyMs }) => seconds.observe(latencyMs / 1000),
  });
  new Gauge({
    name: 'sluice_canary_unfinished_images',
    help: 'Images accepted of which not all has been heard yet',
    registers,
    collect() {
      this.set(client.checker.acceptedImages - client.checker.finishedImages);
    },
  });
  new Gauge({
    name: 'sluice_canary_findings',
    help: 'Messages lost, repeated or out of order, by the chain of prev; anything but 0 is a broken promise',
    registers,
    collect() {
      this.set(client.checker.findings(false).length);
    },
  });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const server = createServer(async (_request, response) => {
    response.setHeader('content-type', registry.contentType).end(await registry.metrics());
  }).listen(options.port, () => process.stderr.write(`canary metrics on port ${options.port}\n`));
  const run = Date.now().toString(36);
  for (let sent = 0; !stop.signal.aborted; sent++) {
    const image = await client.submit(`canary-${run}-${sent}`, `canary-${run}-${sent}`);
    submissions.inc({ outcome: image === undefined ? 'refused' : 'accepted' });
    await sleep(options.interval * 1000, undefined, { signal: stop.signal }).catch(() => {});
  }
  await client.close();
  server.close();
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0 is needed');
  return value;
}
