/** State, then stream: whoever reads a state and the firehose from its position has everything once, while others write. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNode } from '../testing/node.ts';
import { RawStream } from '../testing/raw-stream.ts';

const CLIENT = 'ann';
const TRANSACTIONS = ['t0', 't1', 't2', 't3'];
const BATCHES = 60;
/** Of those that were taken, for so many a stream is opened. */
const STREAMS = 30;

let node: TestNode;
let token: string;
beforeAll(async () => {
  node = await TestNode.start({ heartbeatMs: 300 });
  token = await node.token(CLIENT);
});
afterAll(() => node[Symbol.asyncDispose]());

interface State {
  readonly transaction: string;
  readonly messages: number;
  readonly last_offset: number;
}
interface Snapshot {
  readonly epoch: string;
  readonly offset: number;
  readonly states: readonly State[];
}

async function get(path: string): Promise<{ status: number; body: Record<string, never> }> {
  const response = await fetch(`${node.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, body: (await response.json()) as Record<string, never> };
}

/** One by its id and all of them by turns. */
async function snapshot(turn: number): Promise<Snapshot | undefined> {
  if (turn % 2 === 0) {
    const { body } = await get('/v1/transactions?limit=100');
    return { epoch: body.epoch!, offset: body.offset!, states: body.transactions! };
  }
  const { status, body } = await get(`/v1/transactions/${TRANSACTIONS[turn % TRANSACTIONS.length]}`);
  if (status === 404) return undefined;
  return { epoch: body.epoch!, offset: body.offset!, states: [body as unknown as State] };
}

async function rest(from: object | 'earliest'): Promise<RawStream> {
  const stream = await RawStream.open(node.url, token, { from, follow: false });
  await stream.ended;
  return stream;
}

async function write(): Promise<void> {
  for (let batch = 0; batch < BATCHES; batch++) {
    const messages = Array.from({ length: 1 + (batch % 5) }, (_, n) => ({
      text: `${batch}-${n}`,
      transaction: TRANSACTIONS[(batch * 7 + n) % TRANSACTIONS.length]!,
    }));
    await node.produce(CLIENT, messages);
  }
}

test('a state and the firehose from its position hold every message once', { timeout: 180_000 }, async () => {
  let over = false;
  const writing = write().finally(() => {
    over = true;
  });
  const snapshots: Snapshot[] = [];
  for (let turn = 0; !over; turn++) {
    const read = await snapshot(turn);
    if (read !== undefined && read.states.length > 0) snapshots.push(read);
  }
  await writing;

  const all = (await rest('earliest')).messages;
  for (const { offset, states } of snapshots) {
    const after = all.filter((message) => message.offset > offset);
    for (const { transaction, messages, last_offset } of states) {
      const ours = (message: { transaction: string }) => message.transaction === transaction;
      expect(messages + after.filter(ours).length).toBe(all.filter(ours).length);
      expect(last_offset).toBeLessThanOrEqual(offset);
    }
  }
  const positions = all.map((message) => message.offset);
  for (let n = 0; n < STREAMS; n++) {
    const { epoch, offset } = snapshots[Math.floor((n * snapshots.length) / STREAMS)]!;
    const { messages } = await rest({ epoch, offset });
    expect(messages.map((message) => message.offset)).toEqual(positions.filter((position) => position > offset));
  }
  // They were read at many moments of the writing, or this has shown nothing.
  expect(new Set(snapshots.map(({ offset }) => offset)).size).toBeGreaterThan(10);
});
