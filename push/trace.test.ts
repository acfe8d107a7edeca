/** The trace of a submission goes on through push to each try at the receiver: real spans at a collector. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import { RESULTS_TOPIC } from '../protocol/log/topics.ts';
import { startTracing } from '../protocol/telemetry/tracing.ts';
import { openDeployment } from './testing/deployment.ts';
import { acceptedOffsets, startReceiver } from './testing/receiver.ts';
import { runPush, WAIT } from './testing/running-push.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SUBMISSION = 'b7ad6b7169203331';

interface SpanOfTest {
  readonly traceId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

test('journaling and every try to deliver are spans under the submission; what is not sampled is not recorded', {
  timeout: 150_000,
}, async () => {
  const spans: SpanOfTest[] = [];
  const collector = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    for (const { scopeSpans } of JSON.parse(body).resourceSpans)
      for (const scope of scopeSpans) spans.push(...scope.spans);
    response.setHeader('content-type', 'application/json').end('{}');
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const otlpEndpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const telemetry = { otlpEndpoint, sampleRatio: 1, serviceName: 'push' };
  const tracing = startTracing(telemetry)!;
  const receiver = await startReceiver();
  const deployment = await openDeployment();
  const traced = { ...deployment, context: { ...deployment.context, telemetry } };
  const push = await runPush(receiver, {}, traced);
  try {
    const client = await push.newClient();
    receiver.behave(client.path, { kind: 'fail-first', times: 2 });
    const event = (flags: string) =>
      deployment.events(client.name, client.token, ['t'], 'x', `00-${TRACE}-${SUBMISSION}-${flags}`);
    await deployment.log.produce(RESULTS_TOPIC, [...event('01'), ...event('00')]);
    const requests = await receiver.until(client.path, (all) => acceptedOffsets(all).length === 2);
    expect(requests[0]!.body.traceparent).toBe(`00-${TRACE}-${SUBMISSION}-01`);
    expect(requests.at(-1)!.body).not.toHaveProperty('traceparent');
  } finally {
    // What is left is sent before the threads end.
    await push.stop();
    await tracing.stop();
  }
  await vi.waitFor(() => expect(spans.length).toBeGreaterThanOrEqual(4), WAIT);
  expect(spans.every(({ traceId, parentSpanId }) => traceId === TRACE && parentSpanId === SUBMISSION)).toBe(true);
  const outcomes = spans
    .filter(({ name }) => name === 'push deliver')
    .map(({ attributes }) => Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])));
  expect(outcomes).toMatchObject([
    { 'sluice.attempt': 1, 'sluice.outcome': 'failed', 'error.type': '500' },
    { 'sluice.attempt': 2, 'sluice.outcome': 'failed', 'error.type': '500' },
    { 'sluice.attempt': 3, 'sluice.outcome': 'delivered' },
  ]);
  expect(spans.filter(({ name }) => name === 'push journal')).toHaveLength(1);
  await receiver.stop();
  await deployment.remove();
  collector.close();
});
