/**
 * One Kafka broker for all test files of a run, started when the first of them asks for it and stopped at the end.
 *
 * Test files run in processes of their own: they ask over HTTP, where they are told the broker's address.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type KafkaCluster, startKafka } from '../../protocol/log/kafka/broker/cluster.ts';

declare module 'vitest' {
  interface ProvidedContext {
    kafkaOnDemand: string;
    /** Whether this machine has what a broker needs. */
    kafkaIsHere: boolean;
  }
}

// biome-ignore lint/style/noDefaultExport: vitest calls the default export.
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kafka-'));
  let cluster: Promise<KafkaCluster> | undefined;
  const server = createServer((_request, response) => {
    cluster ??= startKafka({ folder });
    cluster.then(
      ({ bootstrap }) => response.end(JSON.stringify({ bootstrap })),
      (error: Error) => response.end(JSON.stringify({ error: error.message })),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  project.provide('kafkaOnDemand', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const { status } = spawnSync('java', ['-version']);
  // On a machine without Java the tests that need a broker are skipped; never in CI, where nobody would notice.
  const required = process.env.CI !== undefined;
  if (status !== 0 && !required)
    console.warn('Tests on Kafka are skipped: they need Java 17 and Maven (npm run kafka)');
  project.provide('kafkaIsHere', status === 0 || required);
  return async () => {
    server.close();
    await (await cluster?.catch(() => undefined))?.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}
