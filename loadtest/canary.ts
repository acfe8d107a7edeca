/**
 * `npm run canary -- --url http://… --client canary --secret-file …`: a slight load that never ends, as a client of its own.
 * Serves what it sees at /metrics: end-to-end latency and completeness as customers have them.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { notNegative, positive, runProgram, UsageError } from './command-line.ts';
import { canaryMetrics } from './load/canary-metrics.ts';
import { clientTokens, fixedToken, type TokenSource } from './load/client-tokens.ts';
import { LoadClient } from './load/load-client.ts';

interface Options {
  readonly url: string;
  readonly firehoseUrl?: string;
  readonly identityUrl?: string;
  readonly token?: string;
  readonly client?: string;
  readonly secretFile?: string;
  readonly interval: number;
  readonly deadline: number;
  readonly host: string;
  readonly port: number;
  readonly image: string;
}

const command = new Command('canary')
  .description('Sends an image every so often and measures what becomes of it')
  .requiredOption('--url <url>', 'Where images go')
  .option('--firehose-url <url>', 'Where the firehose comes from, if elsewhere')
  .option('--identity-url <url>', 'Where tokens come from, if elsewhere')
  .option('--client <id>', 'The canary is a client of its own, with its own limits')
  .option('--secret-file <file>', "That client's secret; its tokens are renewed for as long as the canary runs")
  .option('--token <token>', 'A token instead: the canary measures nothing more when it has expired')
  .option('--interval <seconds>', 'Between two images', positive, 10)
  .option('--deadline <seconds>', 'An image that is not finished by then counts as overdue', positive, 60)
  .option('--host <host>', 'Where /metrics is served', '127.0.0.1')
  .option('--port <port>', 'Where /metrics is served; 0: a port that is free', notNegative, 9464)
  .option('--image <file>', 'What is sent', 'vision/samples/card.jpg')
  .action(canary);

async function canary(options: Options): Promise<void> {
  const { url, firehoseUrl } = options;
  const now = () => performance.now();
  const metrics = canaryMetrics(now, options.deadline * 1000);
  const client = await LoadClient.open({
    url,
    ...(firehoseUrl !== undefined && { firehoseUrl }),
    token: await tokenSource(options),
    image: await readFile(options.image),
    mediaType: options.image.endsWith('.png') ? 'image/png' : 'image/jpeg',
    now,
    onFinished: (image) => metrics.finished(image),
  });
  metrics.watch(client.checker);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const server = createServer(async (_request, response) => {
    response.setHeader('content-type', metrics.registry.contentType).end(await metrics.registry.metrics());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as { port: number };
  process.stdout.write(`ready http://${options.host}:${port}/metrics\n`);
  const run = Date.now().toString(36);
  for (let sent = 0; !stop.signal.aborted; sent++) {
    const before = { ...client.counts };
    const at = now();
    const image = await client.submit(`canary-${run}-${sent}`, `canary-${run}-${sent}`);
    metrics.submitted(outcomeOf(before, client.counts), image, at);
    await sleep(options.interval * 1000, undefined, { signal: stop.signal }).catch(() => {});
  }
  server.close();
  await client.close();
}

function outcomeOf(before: LoadClient['counts'], after: LoadClient['counts']) {
  if (after.accepted > before.accepted) return 'accepted';
  return after.refused > before.refused ? 'refused' : 'failed';
}

/** @throws {UsageError} neither a token nor a client with its secret */
async function tokenSource(options: Options): Promise<TokenSource> {
  const { client, secretFile, token } = options;
  if (token !== undefined) return fixedToken(token);
  if (client === undefined || secretFile === undefined)
    throw new UsageError('say who the canary is: --client and --secret-file, or --token');
  const secret = (await readFile(secretFile, 'utf8')).trim();
  return clientTokens({
    url: options.identityUrl ?? options.url,
    clientId: client,
    secret,
    now: () => performance.now(),
  });
}

await runProgram(command);
