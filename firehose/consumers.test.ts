/** Named consumers and open connections, as their owners and operators see them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestNode } from './testing/node.ts';
import { RawStream } from './testing/raw-stream.ts';
import { numbered, TestClient, textsOf } from './testing/test-client.ts';

let node: TestNode;
beforeAll(async () => {
  node = await TestNode.start({ heartbeatMs: 300, maxConsumersPerClient: 3 });
});
afterAll(() => node[Symbol.asyncDispose]());

describe('named consumers', () => {
  test('resume at their checkpoint, with exact lag', async () => {
    const client = new TestClient(node);
    const produced = await client.produce(numbered(5));
    const token = await client.token();
    const from = { consumer: 'worker' };
    await using first = await RawStream.open(node.url, token, { from });
    const { stream } = await first.until(({ kind }) => kind === 'hello');
    await first.until(({ kind }) => kind === 'caught_up');
    const ack = await client.call('PATCH', `/v1/firehose/${stream}`, { kind: 'ack', offset: produced[1]!.offset });
    expect(ack.status).toBe(200);
    expect((await client.call('GET', '/v1/consumers/worker')).body).toMatchObject({
      offset: produced[1]!.offset,
      lag: 3,
      stream,
    });
    const ahead = await client.call('PATCH', `/v1/firehose/${stream}`, {
      kind: 'ack',
      offset: produced[4]!.offset + 1,
    });
    expect(ahead).toMatchObject({ status: 409, body: { sent: produced[4]!.offset } });
    await using second = await RawStream.open(node.url, token, { from });
    await first.ended;
    expect(first.frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'taken_over', terminal: true });
    await second.until(({ kind }) => kind === 'caught_up');
    expect(textsOf(second)).toEqual(['2', '3', '4']);
    const zombie = await client.call('PUT', '/v1/consumers/worker', { offset: produced[0]!.offset, stream });
    expect(zombie.status).toBe(409);
  });

  test('are listed, moved and deleted, and there are not more than allowed', async () => {
    const client = new TestClient(node);
    const [produced] = await client.produce(numbered(1));
    for (const name of ['a', 'b', 'c']) {
      expect((await client.call('PUT', `/v1/consumers/${name}`, { offset: produced!.offset })).status).toBe(200);
    }
    expect((await client.call('PUT', '/v1/consumers/d', { offset: 0 })).status).toBe(429);
    expect((await client.call('PUT', '/v1/consumers/a', { offset: 1_000_000 })).status).toBe(416);
    expect((await client.call('PUT', '/v1/consumers/a', { offset: 0, epoch: 'other' })).status).toBe(409);
    expect((await client.call('DELETE', '/v1/consumers/b')).status).toBe(204);
    const list = (await client.call('GET', '/v1/consumers')).body.consumers;
    expect(list.map(({ name }: { name: string }) => name)).toEqual(['a', 'c']);
    expect((await client.call('GET', '/v1/consumers/b')).status).toBe(404);
  });
});

test('connections are listed and closed with a reason, an operator sees all', async () => {
  const client = new TestClient(node);
  await client.produce(numbered(2));
  await using stream = await client.open({ from: 'earliest' });
  await stream.until(({ kind }) => kind === 'caught_up');
  const { stream: id } = stream.frames[0];
  const own = (await client.call('GET', '/v1/connections')).body.connections;
  expect(own).toMatchObject([{ stream: id, client: client.id, lag: 0, messages: 2 }]);
  const other = new TestClient(node);
  expect((await other.call('GET', '/v1/connections')).body.connections).toEqual([]);
  expect((await other.call('DELETE', `/v1/connections/${id}`)).status).toBe(404);
  const operator = await other.token({ operator: true });
  const headers = { authorization: `Bearer ${operator}` };
  const all = await (await fetch(`${node.url}/v1/connections`, { headers })).json();
  expect((all as { connections: { stream: string }[] }).connections.map((one) => one.stream)).toContain(id);
  await fetch(`${node.url}/v1/connections/${id}?reason=maintenance`, { method: 'DELETE', headers });
  await stream.ended;
  expect(stream.frames.at(-1)).toMatchObject({ reason: 'closed', detail: 'maintenance', terminal: true });
});
