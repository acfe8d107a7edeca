/** A vision service as the composition root starts it, with the synthetic engine in place of models. */
import { join } from 'node:path';
import { Registry } from 'prom-client';
import Value from 'typebox/value';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { payloadOf } from '../protocol/envelope.ts';
import { ServiceCompleted } from '../protocol/generated/completion/v1m0/completion_pb.js';
import { INGEST_TOPIC, RESULTS_TOPIC } from '../protocol/log/topics.ts';
import type { RunningRole } from '../protocol/role.ts';
import { VisionConfig } from './config.ts';
import { shareOfMachine } from './machine.ts';
import { startVision } from './main.ts';
import { type Bench, drained, eventsOf, mint, openBench, submit } from './testing.ts';

let bench: Bench;
const running: RunningRole[] = [];

beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  for (const role of running.splice(0)) await role.stop();
  await bench.close();
});

test('services side by side in one process each complete the image under their own name', async () => {
  const config = Value.Default(VisionConfig, { synthetic: { enabled: true } }) as VisionConfig;
  const metrics = new Registry();
  const { log, verifier, logger } = bench;
  const context = { log, verifier, logger, metrics, dataFolder: join(bench.folder, 'vision') };
  for (const service of ['ocr', 'barcode', 'synthetic'])
    running.push(await startVision({ ...context } as never, config, service));
  const token = await mint(bench, 'alice', { 'ocr-*': {}, 'barcode-*': {}, 'synthetic-*': {} });
  const imageId = await submit(bench, { client: 'alice', transaction: 't', token });
  for (const service of ['ocr', 'barcode', 'synthetic']) await drained(log, `vision-${service}-1.0`, INGEST_TOPIC);
  const events = await eventsOf(log, RESULTS_TOPIC);
  const markers = events
    .filter(({ type }) => type === ServiceCompleted.typeName)
    .map((event) => payloadOf(event, ServiceCompleted));
  expect(markers.map(({ service }) => service).sort()).toEqual(['barcode', 'ocr', 'synthetic']);
  for (const marker of markers) expect(marker.imageId).toBe(imageId);
  expect(events).toHaveLength(1 + 3 + markers.reduce((sum, { results }) => sum + results, 0));
  expect(running.map((role) => role.readiness().ready)).toEqual([true, true, true]);
  expect(await metrics.metrics()).toContain(
    'sluice_vision_images_total{service="ocr",version="1.0",outcome="completed"} 1',
  );
});

test('a service that does not exist is refused by name', async () => {
  const config = Value.Default(VisionConfig, {}) as VisionConfig;
  await expect(
    startVision({ ...bench, metrics: new Registry(), dataFolder: bench.folder } as never, config, 'smell'),
  ).rejects.toThrow("no vision service 'smell'");
});

test.each([
  [2, { services: 3, processes: 0, threads: 0 }, { processes: 1, threads: 1 }],
  [2, { services: 1, processes: 0, threads: 0 }, { processes: 1, threads: 2 }],
  [16, { services: 3, processes: 0, threads: 0 }, { processes: 2, threads: 2 }],
  [16, { services: 1, processes: 0, threads: 0 }, { processes: 8, threads: 2 }],
  [16, { services: 1, processes: 0, threads: 16 }, { processes: 1, threads: 16 }],
  [16, { services: 1, processes: 4, threads: 0 }, { processes: 4, threads: 4 }],
  [1, { services: 3, processes: 2, threads: 3 }, { processes: 2, threads: 3 }],
])('of %i cores a service takes its share: %j', (cores, { services, processes, threads }, expected) => {
  const names = Array.from({ length: services }, (_, n) => `service${n}`);
  expect(shareOfMachine({ services: names, processes, threads }, cores)).toEqual(expected);
});
