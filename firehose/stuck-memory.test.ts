/** What readers cost that take nothing, for as long as they are waited for. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BareConnection } from './testing/bare-connection.ts';
import { collectGarbage } from './testing/collect-garbage.ts';
import { TestNode } from './testing/node.ts';
import { TestClient } from './testing/test-client.ts';

const READERS = 20;
const MIB = 1 << 20;
/** More than the kernel buffers of a connection hold, twice. */
const BACKLOG = Array.from({ length: 240 }, (_, n) => ({ text: `${n} ${'x'.repeat(100_000)}` }));

let node: TestNode;
let client: TestClient;
beforeAll(async () => {
  // Nobody is disconnected for being stuck, however slow this machine is.
  node = await TestNode.start({ stuckMs: 3_600_000, chunkBytes: 65_536, heartbeatMs: 200 });
  client = new TestClient(node);
  for (let at = 0; at < BACKLOG.length; at += 20) await client.produce(BACKLOG.slice(at, at + 20));
});
afterAll(() => node[Symbol.asyncDispose]());

const connections = async () => (await client.call('GET', '/v1/connections')).body.connections as { stream: string }[];

/** Bytes of buffers that are in use. */
async function heldBytes(): Promise<number> {
  await collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

test('stuck readers with a large backlog cost a bounded buffer each, however much waits and is said to them', async () => {
  const token = await client.token();
  const before = await heldBytes();
  const stuck = await Promise.all(
    Array.from({ length: READERS }, () => BareConnection.open(node.url, token, { from: 'earliest' })),
  );
  await expect.poll(connections).toHaveLength(READERS);
  const filled = (await heldBytes()) - before;
  // What is appended meanwhile is not kept for them either, nor is what they are told.
  for (let n = 0; n < 5; n++) await client.produce(BACKLOG.slice(0, 10));
  const [{ stream }] = (await connections()) as [{ stream: string }];
  for (let n = 0; n < 200; n++)
    await client.call('PATCH', `/v1/firehose/${stream}`, { kind: n % 2 === 0 ? 'pause' : 'resume' });
  expect(await connections()).toHaveLength(READERS);
  const later = (await heldBytes()) - before;
  // A chunk or two in the server, and what this process reads ahead as the client; half a GiB waits.
  expect(Math.max(filled, later)).toBeLessThan(READERS * MIB);
  for (const connection of stuck) await connection[Symbol.asyncDispose]();
  await expect.poll(connections).toHaveLength(0);
});
