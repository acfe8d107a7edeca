import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { afterEach, expect, test } from 'vitest';
import type { TelemetryConfig } from './config.ts';
import { pastSpan, submissionSpan, workSpan } from './spans.ts';
import { parseTraceparent } from './traceparent.ts';
import { startTracing, type Tracing } from './tracing.ts';

const HEADER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const config: TelemetryConfig = { otlpEndpoint: '', sampleRatio: 1, serviceName: 'test' };
let tracing: Tracing | undefined;

afterEach(() => tracing?.stop());

function record(sampleRatio = 1): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  tracing = startTracing({ ...config, sampleRatio }, new SimpleSpanProcessor({ exporter }));
  return exporter;
}

const submit = (header: string | undefined) => submissionSpan(header, {}, async (traceparent) => traceparent);

test('with tracing off the sender’s trace is continued, unsampled, and nothing is recorded', async () => {
  const traceparent = await submit(HEADER);
  expect(traceparent).toBe(HEADER.replace(/01$/, '00'));
  expect(await workSpan('work', traceparent, {}, async () => 'done')).toBe('done');
});

test('with tracing off and no sender’s trace the submission still gets an id of its own', async () => {
  const [first, second] = [await submit(undefined), await submit('rubbish')];
  expect(parseTraceparent(first)).toMatchObject({ sampled: false });
  expect(first).not.toBe(second);
});

test('one trace holds the submission and all that follows from it', async () => {
  const exporter = record();
  const traceparent = await submit(HEADER);
  await workSpan('vision ocr', traceparent, { 'sluice.client': 'a' }, async () => {});
  // As of the epoch: small numbers may be taken for times since the process began.
  const startTime = Date.UTC(2026, 0, 1);
  pastSpan('journal append', traceparent, { startTime, endTime: startTime + 500 }, {});
  const [submission, work, past] = exporter.getFinishedSpans();
  expect(submission!.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
  for (const span of [work!, past!]) expect(span.parentSpanContext?.spanId).toBe(submission!.spanContext().spanId);
  for (const span of [submission!, work!, past!])
    expect(span.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c');
  expect(work!.attributes).toEqual({ 'sluice.client': 'a' });
  expect(past!.duration).toEqual([0, 500_000_000]);
});

test('the operator’s ratio decides, not the sender’s flag', async () => {
  const exporter = record(0);
  const traceparent = await submit(HEADER);
  await workSpan('work', traceparent, {}, async () => {});
  expect(traceparent).toMatch(/-00$/);
  expect(exporter.getFinishedSpans()).toEqual([]);
});

test('a failure marks its span; a mistake of the sender is named but is no error of ours', async () => {
  const exporter = record();
  const failing = (error: Error) => submissionSpan(undefined, {}, () => Promise.reject(error)).catch(() => {});
  await failing(new RangeError('no'));
  await failing(Object.assign(new Error('too large'), { status: 413 }));
  expect(exporter.getFinishedSpans().map(({ status, attributes }) => [status.code, attributes['error.type']])).toEqual([
    [2, 'RangeError'],
    [0, 'Error'],
  ]);
});

test('spans reach a collector over OTLP', async () => {
  const bodies: string[] = [];
  const collector = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    bodies.push(`${request.url} ${body}`);
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port } = collector.address() as AddressInfo;
  tracing = startTracing({ ...config, otlpEndpoint: `http://127.0.0.1:${port}` });
  await submit(HEADER);
  await tracing!.stop();
  collector.close();
  expect(bodies).toHaveLength(1);
  expect(bodies[0]).toMatch(/^\/v1\/traces .*"traceId":"0af7651916cd43dd8448eb211c80319c".*/);
});

test('a collector that is away does not fail the shutdown', async () => {
  tracing = startTracing({ ...config, otlpEndpoint: 'http://127.0.0.1:1' });
  await submit(HEADER);
  await expect(tracing!.stop()).resolves.toBeUndefined();
});
