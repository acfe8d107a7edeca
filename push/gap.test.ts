/** Push that was down for longer than results-1 keeps its records. */
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openEmbeddedLog } from '../protocol/log/embedded/open.ts';
import type { Log } from '../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../protocol/log/topics.ts';
import { openDeployment } from './testing/deployment.ts';
import { acceptedOffsets, startReceiver } from './testing/receiver.ts';
import { runPush, WAIT } from './testing/running-push.ts';

vi.setConfig({ testTimeout: 150_000 });

/** Longer than the tests' topics keep anything. */
const TEN_DAYS = 10 * 24 * 3_600_000;

/** Lets the log retire everything that it holds, by a clock that is ahead. */
async function retireEverything(log: Log, folder: string): Promise<void> {
  const clock = () => Date.now() + TEN_DAYS;
  const ahead = await openEmbeddedLog({ folder: join(folder, 'log'), clock, retentionIntervalMs: 10 });
  try {
    await vi.waitFor(async () => {
      for (const { earliest, end } of await log.watermarks(RESULTS_TOPIC)) expect(earliest).toBe(end);
    }, WAIT);
  } finally {
    await ahead.close();
  }
}

test('what was retired meanwhile is told to the client, with where on the firehose it lay, and what follows is pushed', async () => {
  const receiver = await startReceiver();
  const deployment = await openDeployment();
  const first = await runPush(receiver, {}, deployment);
  const client = await first.newClient();
  const early = await client.produce(['a', 'b']);
  await receiver.until(client.path, (all) => acceptedOffsets(all).length === 2);
  await first.stop();

  const missed = await client.produce(['a', 'b', 'c']);
  await retireEverything(deployment.log, deployment.folder);
  const later = await client.produce(['a', 'b']);

  deployment.context.metrics.clear();
  const second = await runPush(receiver, {}, deployment);
  try {
    const notices = () => second.noticesOf(client);
    await vi.waitFor(() => expect(notices().map(({ type }) => type)).toEqual(['push.v1m0.WebhookGap']), WAIT);
    const { epoch } = second;
    expect(notices()[0]!.payload).toEqual({
      url: receiver.http + client.path,
      after: { epoch, offset: String(early[1]) },
      until: { epoch, offset: String(missed[2]) },
    });
    const gaps = await deployment.context.metrics.getSingleMetricAsString('sluice_push_gaps_total');
    expect(gaps).toContain('sluice_push_gaps_total 1');

    const requests = await receiver.until(client.path, (all) => acceptedOffsets(all).length === 4);
    expect(acceptedOffsets(requests).toSorted((a, b) => a - b)).toEqual([...early, ...later]);
    // An offset that it has not got: in the messages themselves, too, the gap is to be seen.
    expect(requests.find(({ body }) => body.offset === later[0])!.body.prev).toBe(missed[2]);
  } finally {
    await second.stop();
    await deployment.remove();
    await receiver.stop();
  }
});
