/** Two versions of one service side by side, as the composition root starts them, with their real models. */
import { expect, test } from 'vitest';
import { payloadOf } from '../protocol/envelope.ts';
import { Capacity } from '../protocol/generated/capacity/v1m0/capacity_pb.js';
import { ServiceCompleted } from '../protocol/generated/completion/v1m0/completion_pb.js';
import { ExtractedDocument } from '../protocol/generated/document/v1m1/document_pb.js';
import { CAPACITY_TOPIC, INGEST_TOPIC, RESULTS_TOPIC } from '../protocol/log/topics.ts';
import { drawDesk } from './services/document/desk.fixture.ts';
import { drained, eventsOf, mint, recordsOf, submit, until } from './testing/bench.ts';
import { rolesForEachTest } from './testing/roles.ts';

const vision = rolesForEachTest();

test('the claim chooses the version; types, groups, capacity and metrics are apart', async () => {
  const running = await vision.start(['document', 'document-1.1'], { provider: 'cpu' });
  const { bench, metrics } = vision;
  expect(running.map(({ name }) => name)).toEqual(['vision-document', 'vision-document-1.1']);

  const bytes = await drawDesk();
  const images = new Map<string, string>();
  for (const grant of ['document-1.0', 'document-1.1', 'document-1.*', 'document-2.*']) {
    const token = await mint(bench, 'alice', { [grant]: {} });
    images.set(await submit(bench, { client: 'alice', transaction: grant, token, bytes }), grant);
  }
  for (const version of ['1.0', '1.1']) await drained(bench.log, `vision-document-${version}`, INGEST_TOPIC);

  const events = await eventsOf(bench.log, RESULTS_TOPIC);
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
    for (const { key, value } of await recordsOf(bench.log, CAPACITY_TOPIC))
      reported.set(key, Capacity.fromBinary(value!));
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
