/** The life of an endpoint: parked, disabled, withdrawn, and back. */
import { describe, expect, test, vi } from 'vitest';
import { CLIENTS_TOPIC } from '../protocol/log/topics.ts';
import { newSecret } from '../protocol/webhook/sealing.ts';
import { webhookRecord } from '../protocol/webhook/webhook-record.ts';
import { acceptedOffsets, type Receiver } from './testing/receiver.ts';
import { pushOfFile, type RunningPush, runPush, WAIT } from './testing/running-push.ts';

let receiver: Receiver;
let push: RunningPush;

pushOfFile((its, running) => {
  receiver = its;
  push = running;
});

describe('the endpoint', () => {
  test('parks, says from where to read the firehose, and goes on from where its client says', async () => {
    const client = await push.newClient();
    const early = await client.produce(['a', 'a']);
    await receiver.until(client.path, (all) => all.length === 2);
    receiver.behave(client.path, { kind: 'status', status: 500 });
    const missed = await client.produce(['a', 'a', 'a']);
    await vi.waitFor(
      () => expect(push.noticesOf(client).map(({ type }) => type)).toContain('push.v1m0.WebhookParked'),
      WAIT,
    );
    const parked = push.noticesOf(client).find(({ type }) => type === 'push.v1m0.WebhookParked');
    const { after } = parked!.payload as { after: { epoch: string; offset: string } };
    expect(after.epoch).toBe(push.epoch);
    // The first that is missed may have been given up, and told of as such, before the endpoint was parked.
    expect([early[1], missed[0]]).toContain(Number(after.offset));
    // The client reads two of them from the firehose meanwhile.
    const resumed = await push.ask(client, 'POST', '/v1/webhook/resume', { offset: missed[1], epoch: push.epoch });
    expect(resumed).toMatchObject({ status: 200, position: { epoch: push.epoch, offset: missed[1] } });
    receiver.behave(client.path, { kind: 'accept' });
    const later = await client.produce(['a']);
    const requests = await receiver.until(client.path, (all) => acceptedOffsets(all).length >= 4);
    expect(acceptedOffsets(requests)).toEqual([...early, missed[2], ...later]);
    await vi.waitFor(() => expect(push.noticesOf(client).at(-1)!.type).toBe('push.v1m0.WebhookResumed'), WAIT);
  });

  test('goes back as well: what was pushed is pushed again from there on', async () => {
    const client = await push.newClient();
    const offsets = await client.produce(['a', 'b', 'a']);
    await receiver.until(client.path, (all) => all.length === 3);
    await push.ask(client, 'POST', '/v1/webhook/resume', { offset: offsets[0] });
    const requests = await receiver.until(client.path, (all) => all.length >= 5);
    expect(new Set(requests.slice(3).map(({ body }) => body.offset))).toEqual(new Set(offsets.slice(1)));
  });

  test.each([
    ['of another epoch', () => ({ offset: 0, epoch: 'other' }), 409],
    ['in the future', () => ({ offset: 1e9 }), 416],
    ['that is none', () => ({ offset: -2 }), 400],
  ])('does not go on from an offset %s', async (_name, body, status) => {
    const client = await push.newClient();
    await client.produce(['a']);
    await receiver.until(client.path, (all) => all.length === 1);
    expect(await push.ask(client, 'POST', '/v1/webhook/resume', body())).toMatchObject({ status });
  });

  test('is disabled by 410, and comes back when its client has proved the URL anew', async () => {
    const client = await push.newClient();
    receiver.behave(client.path, { kind: 'status', status: 410 });
    const offsets = await client.produce(['a', 'a', 'b']);
    await vi.waitFor(
      () => expect(push.noticesOf(client).map(({ type }) => type)).toEqual(['push.v1m0.WebhookDisabled']),
      WAIT,
    );
    // What was under way beside the first has come as well.
    const delivery = () => push.ask(client, 'GET', '/v1/webhook/delivery');
    await vi.waitFor(async () => expect(await delivery()).toMatchObject({ in_flight: 0 }), WAIT);
    const before = (await receiver.received(client.path)).length;
    receiver.behave(client.path, { kind: 'accept' });
    const more = await client.produce(['b']);
    const witness = await push.newClient();
    await witness.produce(['a']);
    await receiver.until(witness.path, (all) => all.length === 1);
    expect((await receiver.received(client.path)).length).toBe(before);
    const secrets = [newSecret()];
    receiver.expectSecrets(client.path, secrets);
    const url = receiver.http + client.path;
    const anew = await push.deployment.token(
      client.name,
      { url, secrets, verified: Date.now() + 1 },
      Date.now() + 1000,
    );
    const [last] = await push.deployment.produce(client.name, anew, ['c']);
    const requests = await receiver.until(client.path, (all) => acceptedOffsets(all).length >= 5);
    expect(new Set(acceptedOffsets(requests))).toEqual(new Set([...offsets, ...more, last!.offset]));
    expect(requests.slice(before).every(({ signed }) => signed)).toBe(true);
  });

  test('that its client withdraws gets nothing more, at once, whatever older tokens say', async () => {
    const client = await push.newClient();
    await client.produce(['a']);
    await receiver.until(client.path, (all) => all.length === 1);
    await push.deployment.log.produce(CLIENTS_TOPIC, [webhookRecord(client.name, undefined)]);
    const delivery = () => push.ask(client, 'GET', '/v1/webhook/delivery');
    await vi.waitFor(async () => expect((await delivery()).state).toBe('disabled'), WAIT);
    await client.produce(['a']);
    const witness = await push.newClient();
    await witness.produce(['a']);
    await receiver.until(witness.path, (all) => all.length === 1);
    expect(await receiver.received(client.path)).toHaveLength(1);
  });

  test('that fails for too long is disabled with a word on the firehose, and brought back by its client', async () => {
    // So that nothing becomes a dead letter on the way.
    const schedule = { retryScheduleMs: Array(1000).fill(20), breaker: { openMs: 20, maxOpenMs: 20 } };
    const impatient = await runPush(receiver, { ...schedule, parkAfterMs: 0, disableAfterMs: 100 });
    try {
      const client = await impatient.newClient();
      receiver.behave(client.path, { kind: 'status', status: 503 });
      const offsets = await client.produce(['a', 'b']);
      const types = () => impatient.noticesOf(client).map(({ type }) => type);
      await vi.waitFor(() => expect(types()).toContain('push.v1m0.WebhookDisabled'), WAIT);
      const disabled = impatient.noticesOf(client).find(({ type }) => type === 'push.v1m0.WebhookDisabled')!;
      expect(disabled.payload).toMatchObject({ cause: '503', after: { epoch: impatient.epoch } });
      const after = Number((disabled.payload as { after: { offset: string } }).after.offset);
      expect(after).toBeLessThan(offsets[0]!);
      receiver.behave(client.path, { kind: 'accept' });
      await impatient.ask(client, 'POST', '/v1/webhook/resume', { offset: after });
      await receiver.until(client.path, (all) => new Set(acceptedOffsets(all)).size === 2);
      await vi.waitFor(() => expect(types().at(-1)).toBe('push.v1m0.WebhookResumed'), WAIT);
    } finally {
      await impatient.stop();
      await impatient.deployment.remove();
    }
  });
});
