/** Submissions that are repeated: answered as before, under whatever was known of them. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { unpackEvent } from '../../protocol/envelope.ts';
import { LogUnavailableError } from '../../protocol/log/errors.ts';
import { SubmissionFixture } from '../testing/submission-fixture.ts';

const fixture = await SubmissionFixture.open();
const { jpeg, png, submit } = fixture;
afterAll(() => fixture.close());
beforeEach(() => fixture.reset());

describe('under an idempotency key', () => {
  // A test that is run again must not find the keys of its first run.
  let run = '';
  beforeEach(() => {
    run = randomUUID();
  });
  const keyed = (content: Buffer, key: string, path?: string) =>
    submit(content, { 'idempotency-key': `${run}-${key}` }, path);

  test('a repeat is answered as before and appended once', async () => {
    const first = await keyed(jpeg, 'order-1', 't1/images?name=a.jpg');
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    const again = await keyed(jpeg, 'order-1');
    expect(again.statusCode).toBe(202);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.json()).toEqual(first.json());
    expect(fixture.log.produced.length).toBe(2);
  });

  test('other content is a conflict, and nothing is appended', async () => {
    await keyed(jpeg, 'order-2');
    fixture.log.produced.length = 0;
    const response = await keyed(png, 'order-2');
    expect(response.statusCode).toBe(409);
    expect(response.json().type).toBe('/problems/idempotency-conflict');
    expect(fixture.log.produced).toEqual([]);
  });

  test('another transaction, another client and another key are other submissions', async () => {
    const bob = `Bearer ${await fixture.gateway.token('bob')}`;
    const ids = [];
    for (const response of [
      await keyed(jpeg, 'order-3'),
      await keyed(jpeg, 'order-3', 't2/images'),
      await submit(jpeg, { 'idempotency-key': `${run}-order-3`, authorization: bob }),
      await keyed(jpeg, 'order-4'),
    ])
      ids.push(response.json().images[0].image);
    expect(new Set(ids).size).toBe(4);
  });

  test('what the log did not acknowledge is repeated under the same ids', async () => {
    const messageIds: string[] = [];
    fixture.log.beforeProduce = async (topic) => {
      if (topic === 'results-1') throw new LogUnavailableError('no broker');
    };
    expect((await keyed(jpeg, 'order-5')).statusCode).toBe(503);
    fixture.log.beforeProduce = async () => {};
    expect((await keyed(jpeg, 'order-5')).statusCode).toBe(202);
    for (const { topic, records } of fixture.log.produced)
      if (topic === 'ingest-1') messageIds.push(unpackEvent(records[0]!.value).messageId);
    expect(messageIds.length).toBe(2);
    expect(messageIds[1]).toBe(messageIds[0]);
  });

  test('while the first is being taken in, the second is told to wait', async () => {
    const gate = Promise.withResolvers<void>();
    fixture.log.beforeProduce = () => gate.promise;
    const first = keyed(jpeg, 'order-6');
    await expect.poll(() => fixture.metric('sluice_gateway_in_flight_requests')).toBe(1);
    const second = await keyed(jpeg, 'order-6');
    expect(second.statusCode).toBe(409);
    expect(second.json().type).toBe('/problems/idempotency-in-progress');
    expect(second.headers['retry-after']).toBe('1');
    gate.resolve();
    expect((await first).statusCode).toBe(202);
  });

  test('a token that was issued in an outage of the identity store brings nothing in without a key', async () => {
    const authorization = `Bearer ${await fixture.gateway.token('alice', undefined, undefined, true)}`;
    const refused = await submit(jpeg, { authorization });
    expect(refused.statusCode).toBe(403);
    expect(refused.json().type).toBe('/problems/idempotency-required');
    expect(fixture.log.produced).toEqual([]);
    expect((await submit(jpeg, { authorization, 'idempotency-key': `${run}-order-7` })).statusCode).toBe(202);
  });
});
