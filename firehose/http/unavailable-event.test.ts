import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNode } from '../testing/node.ts';

let node: TestNode;
/** Takes all the room that there is. */
let held: AbortController;
let url: string;

beforeAll(async () => {
  node = await TestNode.start({ maxStreams: 1 });
  url = `${node.url}/v1/firehose?access_token=${await node.token('ann')}`;
  held = new AbortController();
  const first = await fetch(url, { signal: held.signal });
  expect(first.status).toBe(200);
});
afterAll(async () => {
  held.abort();
  await node[Symbol.asyncDispose]();
});

const ask = (accept: string, address = url) => fetch(address, { headers: { accept } });

test('a node that cannot serve an EventSource now lets it come back: 200, one goodbye, no id, a jittered time', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask('text/event-stream')));
  const retries = new Set<number>();
  for (const answer of answers) {
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const [event, retry, data, ...end] = (await answer.text()).split('\n');
    expect([event, ...end]).toEqual(['event: goodbye', '', '']);
    const goodbye = JSON.parse(data!.replace('data: ', ''));
    expect(goodbye).toMatchObject({
      kind: 'goodbye',
      reason: 'unavailable',
      terminal: false,
      problem: { status: 503 },
    });
    expect(retry).toBe(`retry: ${goodbye.retry_after_ms}`);
    expect(goodbye.retry_after_ms).toBeGreaterThanOrEqual(1000);
    retries.add(goodbye.retry_after_ms);
  }
  expect(retries.size).toBeGreaterThan(1);
});

test.each(['application/x-ndjson', 'text/event-stream, application/problem+json', '*/*'])(
  'a client that understands a status gets the status (%s)',
  async (accept) => {
    const answer = await ask(accept);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).not.toBeNull();
    expect(await answer.json()).toMatchObject({ type: '/problems/unavailable' });
  },
);

test('what does not pass by itself ends an EventSource: a token that is none, a request that makes no sense', async () => {
  expect((await ask('text/event-stream', `${node.url}/v1/firehose?access_token=none`)).status).toBe(401);
  expect((await ask('text/event-stream', `${url}&from=nowhere`)).status).toBe(400);
});
