/** One trace shows the whole way of an image: the real system, its spans at a collector. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readFirehose } from '../harness/firehose-reader.ts';
import { runSluice, startSluice } from '../harness/sluice-process.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SAMPLE = fileURLToPath(new URL('../../vision/samples/cat.jpg', import.meta.url));

test('submission, every vision service and the journal are in the trace that the client began', {
  timeout: 180_000,
}, async () => {
  const names = new Set<string>();
  const collector = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    for (const { scopeSpans } of JSON.parse(body).resourceSpans)
      for (const { spans } of scopeSpans) for (const { traceId, name } of spans) if (traceId === TRACE) names.add(name);
    response.setHeader('content-type', 'application/json').end('{}');
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const data = await mkdtemp(join(tmpdir(), 'sluice-trace-'));
  const settings = ['--port', '0', '--data', data, '--vision-synthetic-enabled', 'true'];
  const tracing = ['--telemetry-otlp-endpoint', endpoint, '--telemetry-sample-ratio', '1'];
  const sluice = await startSluice(['up', ...settings, ...tracing]);
  try {
    const token = runSluice(['token', '--client', 'traced', '--data', data]).trim();
    const response = await fetch(`${sluice.url}/v1/transactions/t/images`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'image/jpeg',
        traceparent: `00-${TRACE}-b7ad6b7169203331-00`,
      },
      body: await readFile(SAMPLE),
    });
    expect(response.status).toBe(202);
    await readFirehose(sluice.url, token, (read) => read.some(({ type }) => type.endsWith('Summary')), 60_000);
  } finally {
    // What is left is sent before the process ends.
    await sluice.stop();
    await rm(data, { recursive: true, force: true });
  }
  collector.close();
  expect([...names]).toEqual(
    expect.arrayContaining(['submit', 'vision faceextract', 'vision ocr', 'vision barcode', 'firehose journal']),
  );
});
