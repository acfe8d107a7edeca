/** A misspelt query parameter must never pass for its default. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNode } from './testing/node.ts';
import { TestClient } from './testing/test-client.ts';

let node: TestNode;
beforeAll(async () => {
  node = await TestNode.start();
});
afterAll(() => node[Symbol.asyncDispose]());

test.each([
  ['GET', '/v1/transactions?limits=1', 'query/limits', 'is no field here; known are after, limit, access_token'],
  ['GET', '/v1/transactions/t0?since=1', 'query/since', 'is no field here; known are access_token'],
  ['DELETE', '/v1/connections/none?because=1', 'query/because', 'is no field here; known are reason'],
])('%s %s is refused, naming what is known', async (method, path, field, detail) => {
  const answer = await new TestClient(node).call(method, path);
  expect(answer).toMatchObject({
    status: 400,
    body: { type: '/problems/invalid-request', errors: [{ field, detail }] },
  });
});

test('a token in the query still opens what is read with GET', async () => {
  const client = new TestClient(node);
  await client.produce([{ text: 'one', transaction: 't0' }]);
  const read = async (path: string) => (await fetch(`${node.url}${path}access_token=${await client.token()}`)).status;
  await expect.poll(() => read('/v1/transactions/t0?'), { timeout: 60_000 }).toBe(200);
  expect(await read('/v1/transactions?limit=1&')).toBe(200);
});
