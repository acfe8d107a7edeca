/** Kills a mirror again and again while its firehose grows, and says what the firehose held in the end. */
import type { TestNode } from '../../firehose/testing/node.ts';
import { RawStream } from '../../firehose/testing/raw-stream.ts';
import { RunningCommand } from './run-command.ts';

const BATCH = 40;

/** Produces until it is stopped. @returns how to stop it */
function produceSteadily(node: TestNode, client: string): () => Promise<void> {
  let over = false;
  let count = 0;
  const running = (async () => {
    while (!over) {
      const messages = Array.from({ length: BATCH }, (_, n) => ({
        text: `${count + n}`,
        transaction: `t${(count + n) % 11}`,
      }));
      count += BATCH;
      await node.produce(client, messages);
      await sleep(15);
    }
  })();
  return () => {
    over = true;
    return running;
  };
}

/**
 * @param args of `sluice mirror`
 * @returns the firehose's messages as lines, after the last run of the mirror has ended by itself
 */
export async function mirrorThroughKills(
  node: TestNode,
  client: string,
  args: readonly string[],
  { kills, environment = {} }: { kills: number; environment?: Record<string, string> },
): Promise<string[]> {
  const token = await node.token(client);
  const start = (...more: string[]) =>
    new RunningCommand(['mirror', ...args, ...more], { SLUICE_URL: node.url, SLUICE_TOKEN: token, ...environment });
  const stop = produceSteadily(node, client);
  try {
    for (let kill = 0; kill < kills; kill++) {
      const mirror = start('--batch', '7');
      while (!/mirroring after/.test(mirror.stderr)) {
        if (mirror.child.exitCode !== null) throw new Error(`the mirror ended: ${mirror.stderr}`);
        await sleep(5);
      }
      await sleep(Math.random() * 700);
      await mirror.kill('SIGKILL');
    }
  } finally {
    await stop();
  }
  const last = start('--no-follow');
  const code = await last.ended;
  if (code !== 0) throw new Error(`the last mirror ended with ${code}: ${last.stderr}`);
  await using stream = await RawStream.open(node.url, token, { from: 'earliest', follow: false });
  await stream.ended;
  return stream.messages.map((message) => JSON.stringify(message));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
