/** A vision service as the composition root starts it, with the synthetic engine in place of models. */
import { expect, test } from 'vitest';
import { payloadOf } from '../protocol/envelope.ts';
import { ServiceCompleted } from '../protocol/generated/completion/v1m0/completion_pb.js';
import { INGEST_TOPIC, RESULTS_TOPIC } from '../protocol/log/topics.ts';
import { drained, eventsOf, mint, submit } from './testing/bench.ts';
import { rolesForEachTest } from './testing/roles.ts';

const vision = rolesForEachTest();

test('services side by side in one process each complete the image under their own name', async () => {
  const running = await vision.start(['ocr', 'barcode', 'synthetic'], { synthetic: { enabled: true } });
  const { bench } = vision;
  const token = await mint(bench, 'alice', { 'ocr-*': {}, 'barcode-*': {}, 'synthetic-*': {} });
  const imageId = await submit(bench, { client: 'alice', transaction: 't', token });
  for (const service of ['ocr', 'barcode', 'synthetic'])
    await drained(bench.log, `vision-${service}-1.0`, INGEST_TOPIC);
  const events = await eventsOf(bench.log, RESULTS_TOPIC);
  const markers = events
    .filter(({ type }) => type === ServiceCompleted.typeName)
    .map((event) => payloadOf(event, ServiceCompleted));
  expect(markers.map(({ service }) => service).sort()).toEqual(['barcode', 'ocr', 'synthetic']);
  for (const marker of markers) expect(marker.imageId).toBe(imageId);
  expect(events).toHaveLength(1 + 3 + markers.reduce((sum, { results }) => sum + results, 0));
  expect(running.map((role) => role.readiness().ready)).toEqual([true, true, true]);
  expect(await vision.metrics.metrics()).toContain(
    'sluice_vision_images_total{service="ocr",version="1.0",outcome="completed"} 1',
  );
});

test('a service that does not exist is refused by name', async () => {
  await expect(vision.start(['smell'])).rejects.toThrow("no vision service 'smell'");
});
