/** Two versions of one service side by side, as the composition root starts them, with their real models. */
import { join } from 'node:path';
import { Registry } from 'prom-client';
import Value from 'typebox/value';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { payloadOf } from '../protocol/envelope.ts';
import { Capacity } from '../protocol/generated/capacity/v1m0/capacity_pb.js';
import { ServiceCompleted } from '../protocol/generated/completion/v1m0/completion_pb.js';
import { ExtractedDocument } from '../protocol/generated/document/v1m1/document_pb.js';
import { CAPACITY_TOPIC, INGEST_TOPIC, RESULTS_TOPIC } from '../protocol/log/topics.ts';
import type { RunningRole } from '../protocol/role.ts';
import { VisionConfig } from './config.ts';
import { startVision } from './main.ts';
import { drawDesk } from './services/document/desk.fixture.ts';
import { type Bench, drained, eventsOf, mint, openBench, recordsOf, submit, until } from './testing.ts';

let bench: Bench;
const running: RunningRole[] = [];

beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  for (const role of running.splice(0)) await role.stop();
  await bench.close();
});

test('the claim chooses the version; types, groups, capacity and metrics are apart', { timeout: 120_000 }, async () => {
  const config = Value.Default(VisionConfig, {
    services: ['document', 'document-1.1'],
    provider: 'cpu',
  }) as VisionConfig;
  const metrics = new Registry();
  const { log, verifier, blobs, logger } = bench;
  const context = { log, verifier, blobs, logger, metrics, dataFolder: join(bench.folder, 'vision') };
  for (const service of config.services) running.push(await startVision(context as never, config, service));
  expect(running.map(({ name }) => name)).toEqual(['vision-document', 'vision-document-1.1']);

  const bytes = await drawDesk();
  const images = new Map<string, string>();
  for (const grant of ['document-1.0', 'document-1.1', 'document-1.*', 'document-2.*']) {
    const token = await mint(bench, 'alice', { [grant]: {} });
    images.set(await submit(bench, { client: 'alice', transaction: grant, token, bytes }), grant);
  }
  for (const version of ['1.0', '1.1']) await drained(log, `vision-document-${version}`, INGEST_TOPIC);

  const events = await eventsOf(log, RESULTS_TOPIC);
  const said = events.filter(({ type }) => type.startsWith('document.')).map((e) => `${e.correlationId} ${e.type}`);
  expect(said.sort()).toEqual([
    'document-1.* document.v1m0.ExtractedDocument',
    'document-1.* document.v1m1.ExtractedDocument',
    'document-1.0 document.v1m0.ExtractedDocument',
    'document-1.1 document.v1m1.ExtractedDocument',
  ]);
  const newer = events.find(({ type }) => type === ExtractedDocument.typeName)!;
  expect(payloadOf(newer, ExtractedDocument)).toMatchObject({ format: 'ID-1', model: { name: 'mlsd-large' } });
  const completed = events
    .filter(({ type }) => type === ServiceCompleted.typeName)
    .map((event) => payloadOf(event, ServiceCompleted))
    .map(({ imageId, service, version }) => `${images.get(imageId)} ${service} ${version}`);
  expect(completed.sort()).toEqual([
    'document-1.* document 1.0',
    'document-1.* document 1.1',
    'document-1.0 document 1.0',
    'document-1.1 document 1.1',
  ]);

  const reported = new Map<string, Capacity>();
  await until(async () => {
    for (const { key, value } of await recordsOf(log, CAPACITY_TOPIC)) reported.set(key, Capacity.fromBinary(value!));
    return reported.size === 2;
  });
  expect([...reported].map(([key, { service, instance }]) => [key, service, instance]).sort()).toEqual([
    ['document/1.0', 'document', '1.0'],
    ['document/1.1', 'document', '1.1'],
  ]);
  const text = await metrics.metrics();
  for (const [version, model] of [
    ['1.0', 'mlsd-tiny'],
    ['1.1', 'mlsd-large'],
  ]) {
    expect(text).toContain(`sluice_vision_images_total{service="document",version="${version}",outcome="completed"} 2`);
    expect(text).toContain(`sluice_vision_model_info{service="document",version="${version}",model="${model}"`);
    expect(text).toContain(`sluice_vision_model_runs_total{service="document",version="${version}"} 2`);
  }
});
