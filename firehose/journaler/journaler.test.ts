import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNode } from '../testing/node.ts';
import { RawStream } from '../testing/raw-stream.ts';

let node: TestNode;
beforeAll(async () => {
  node = await TestNode.start();
});
afterAll(() => node[Symbol.asyncDispose]());

test('a journaler that cannot run says so, tries again, and goes on where the other left off', async () => {
  const client = `ann-${randomUUID()}`;
  const second = node.twin();
  await second.startRole({ wait: false });
  await expect.poll(() => second.readiness().detail).toMatch(/already has a writer/);
  expect(second.readiness().ready).toBe(false);

  await node.produce(client, [{ text: 'by the first' }]);
  await node.stopRole();
  await expect.poll(() => second.readiness().ready).toBe(true);
  await node.produce(client, [{ text: 'by the second' }]);
  const body = { from: 'earliest', follow: false };
  await using stream = await RawStream.open(second.url, await node.token(client), body);
  await stream.ended;
  expect(stream.messages.map(({ payload }) => payload.text)).toEqual(['by the first', 'by the second']);
  await second.stopRole();
  await node.startRole();
});
