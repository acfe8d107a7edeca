import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, expect, test } from 'vitest';
import type { Range } from '../../journal/reading.ts';
import { newSecret, secretKey } from '../../protocol/webhook/sealing.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Answer } from '../machines/answer.ts';
import { pushMetrics } from '../metrics.ts';
import { DeliveryStore } from '../store/delivery-store.ts';
import { EndpointWorker } from './endpoint-worker.ts';
import type { DeliveryOptions } from './options.ts';
import { SharedRoom } from './shared-room.ts';

const OPTIONS: DeliveryOptions = {
  retryScheduleMs: [],
  concurrency: { start: 1, most: 1, shared: 2 },
  batch: { messages: 1, bytes: 1, waitMs: 0 },
  breaker: { windowMs: 1_000, minRequests: 10, failureRatio: 1, openMs: 1, maxOpenMs: 1 },
  parkAfterMs: 60_000,
  disableAfterMs: 60_000,
  maxUnfinished: 100,
};
const ENDPOINT: Endpoint = {
  ...{ key: 'endpoint', partition: 0, client: 'client', token: '', issuedAt: 0 },
  grant: { url: 'https://example.com/hook', types: [], mode: 'full', rate: 0, verified: 0, secrets: [] },
};

const stores: DeliveryStore[] = [];
afterEach(() => {
  for (const store of stores.splice(0)) store.close();
});

/** A message at each offset from 0 to 9, all of one transaction. */
function read({ after }: { readonly after: number }): Range {
  const frames = Array.from({ length: 9 - after }, (_, i) => {
    const head = {
      kind: 'message',
      offset: after + 1 + i,
      time: '',
      type: 't',
      transaction: 't',
      id: String(after + 1 + i),
    };
    return `${JSON.stringify({ ...head, payload: {} })}\n`;
  });
  const data = Buffer.from(frames.join(''));
  return { kind: 'range', chunks: [data], bytes: data.length, count: frames.length, last: 9, end: true };
}

/** A worker whose requests are answered when the test says so. */
function startWorker() {
  const sent: { readonly offset: number; readonly answered: (answer: Answer) => void }[] = [];
  const store = new DeliveryStore(':memory:');
  stores.push(store);
  const worker = new EndpointWorker(
    ENDPOINT,
    undefined,
    {
      ...{ epoch: 'e', read, store, room: new SharedRoom(2), now: Date.now, random: Math.random },
      ...{ metrics: pushMetrics(new Registry()), logger: pino({ level: 'silent' }) },
      notify: () => {},
      finished: () => {},
      openSender: () => ({
        post: (_headers, body, answered) => sent.push({ offset: JSON.parse(String(body)).offset, answered }),
        close: async () => {},
      }),
    },
    OPTIONS,
  );
  worker.configure(ENDPOINT, [{ key: secretKey(newSecret()), retires: undefined }]);
  return { worker, sent };
}

test('two moves at the same time: each waits for what is under way, and the later one holds', async () => {
  const { worker, sent } = startWorker();
  expect(sent.map(({ offset }) => offset)).toEqual([0]);
  const first = worker.moveTo(3);
  const second = worker.moveTo(6);
  sent[0]!.answered({ kind: 'delivered' });
  await first;
  expect(sent.map(({ offset }) => offset)).toEqual([0, 4]);
  sent[1]!.answered({ kind: 'delivered' });
  await second;
  for (let i = 2; i < sent.length; i++) sent[i]!.answered({ kind: 'delivered' });
  expect(sent.map(({ offset }) => offset)).toEqual([0, 4, 7, 8, 9]);
  expect(worker.status()).toMatchObject({ after: 9, waiting: 0, inFlight: 0 });
});
