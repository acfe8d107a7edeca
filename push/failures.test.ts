/** A receiver that fails in every way, as a real process. */
import { describe, expect, test, vi } from 'vitest';
import type { Behaviour } from './testing/behaviour.ts';
import { acceptedOffsets, type Receiver } from './testing/receiver.ts';
import { pushOfFile, type RunningPush, runPush, sequence, WAIT } from './testing/running-push.ts';

let receiver: Receiver;
let push: RunningPush;

pushOfFile(
  (its, running) => {
    receiver = its;
    push = running;
  },
  // Some receivers here never answer.
  { requestTimeoutMs: 2_000, connectTimeoutMs: 2_000 },
);

describe('a receiver that fails', () => {
  test.each<[string, Behaviour, string]>([
    ['answers 500', { kind: 'status', status: 500 }, '500'],
    ['answers 404', { kind: 'status', status: 404 }, '404'],
    ['redirects', { kind: 'status', status: 302, headers: { location: '/client-0' } }, '302'],
    ['hangs', { kind: 'hang' }, 'timeout'],
    ['drips its answer', { kind: 'drip' }, 'timeout'],
    ['resets the connection', { kind: 'reset' }, 'connection reset'],
    ['speaks no HTTP', { kind: 'garbage' }, 'the answer is not HTTP'],
  ])('%s: what it has not taken comes again when it is back, in order', async (_name, behaviour, cause) => {
    const client = await push.newClient();
    receiver.behave(client.path, behaviour);
    const offsets = await client.produce(sequence(6, 2));
    await receiver.until(client.path, (all) => all.length >= 2);
    await vi.waitFor(
      async () => expect(await push.ask(client, 'GET', '/v1/webhook/delivery')).toMatchObject({ cause }),
      WAIT,
    );
    receiver.behave(client.path, { kind: 'accept' });
    await push.ask(client, 'POST', '/v1/webhook/dead-letters/replay', { since: new Date(0).toISOString() });
    const requests = await receiver.until(client.path, (all) => new Set(acceptedOffsets(all)).size === 6);
    expect(new Set(acceptedOffsets(requests))).toEqual(new Set(offsets));
  });

  test('a message that fails holds up its own transaction until it is given up', async () => {
    const client = await push.newClient();
    receiver.behave(client.path, { kind: 'poison', containing: 'POISON' });
    const [poison] = await client.produce(['a'], 'POISON');
    const behind = await client.produce(['a', 'a']);
    const requests = await receiver.until(client.path, (all) => new Set(acceptedOffsets(all)).size === 2);
    const order = requests.map(({ body }) => body.offset as number);
    expect(order.filter((offset) => offset === poison)).toHaveLength(5);
    expect(Math.min(...behind.map((offset) => order.indexOf(offset)))).toBeGreaterThan(order.lastIndexOf(poison!));
  });

  test('and no other transaction', async () => {
    // After its second try it waits for an hour: nothing that comes meanwhile can be late.
    const patient = await runPush(receiver, { retryScheduleMs: [20, 3_600_000] });
    try {
      const client = await patient.newClient();
      receiver.behave(client.path, { kind: 'poison', containing: 'POISON' });
      const [poison] = await client.produce(['a'], 'POISON');
      const behind = await client.produce(['a', 'a']);
      const beside = await client.produce(sequence(20, 20));
      await receiver.until(client.path, (all) => new Set(acceptedOffsets(all)).size === 20);
      const tries = (all: readonly { body: { offset: number } }[]) => all.filter(({ body }) => body.offset === poison);
      const requests = await receiver.until(client.path, (all) => tries(all).length === 2);
      expect(new Set(acceptedOffsets(requests))).toEqual(new Set(beside));
      const offsets = requests.map(({ body }) => body.offset);
      expect(offsets).not.toContain(behind[0]);
      expect(offsets).not.toContain(behind[1]);
    } finally {
      await patient.stop();
      await patient.deployment.remove();
    }
  });

  test('a message given up is a dead letter, told on the firehose, and can be pushed again', async () => {
    const client = await push.newClient();
    receiver.behave(client.path, { kind: 'poison', containing: 'POISON' });
    const [offset] = await client.produce(['a'], 'POISON');
    await vi.waitFor(async () => {
      const { dead_letters: deadLetters } = await push.ask(client, 'GET', '/v1/webhook/dead-letters');
      expect(deadLetters).toMatchObject([
        { position: { epoch: push.epoch, offset }, attempts: 5, cause: '500', transaction: 'a' },
      ]);
    }, WAIT);
    // Where five tries take long enough it is told of being parked as well.
    const given = () => push.noticesOf(client).filter(({ type }) => type !== 'push.v1m0.WebhookParked');
    await vi.waitFor(() => expect(given().map(({ type }) => type)).toEqual(['push.v1m0.DeliveryFailed']), WAIT);
    const [letter] = (await push.ask(client, 'GET', '/v1/webhook/dead-letters')).dead_letters;
    const stranger = await push.newClient();
    expect(await push.ask(stranger, 'POST', `/v1/webhook/dead-letters/${letter.id}/replay`, {})).toMatchObject({
      status: 404,
    });
    receiver.behave(client.path, { kind: 'accept' });
    expect(await push.ask(client, 'POST', `/v1/webhook/dead-letters/${letter.id}/replay`, {})).toMatchObject({
      status: 202,
    });
    const requests = await receiver.until(client.path, (all) => acceptedOffsets(all).length === 1);
    expect(new Set(requests.map(({ id }) => id))).toEqual(new Set([letter.message_id]));
    await vi.waitFor(
      async () => expect((await push.ask(client, 'GET', '/v1/webhook/dead-letters')).dead_letters).toEqual([]),
      WAIT,
    );
  });

  test('dead letters since a time are pushed again, and those before it are not', async () => {
    const client = await push.newClient();
    receiver.behave(client.path, { kind: 'poison', containing: 'POISON' });
    const letters = async () => (await push.ask(client, 'GET', '/v1/webhook/dead-letters')).dead_letters;
    const [before] = await client.produce(['a'], 'POISON');
    await vi.waitFor(async () => expect(await letters()).toHaveLength(1), WAIT);
    const [after] = await client.produce(['b'], 'POISON');
    await vi.waitFor(async () => expect(await letters()).toHaveLength(2), WAIT);
    const since = (await letters())[1].died;
    receiver.behave(client.path, { kind: 'accept' });
    expect(await push.ask(client, 'POST', '/v1/webhook/dead-letters/replay', { since })).toMatchObject({
      status: 202,
      replaying: 1,
    });
    await vi.waitFor(async () => expect(await letters()).toMatchObject([{ position: { offset: before } }]), WAIT);
    expect(acceptedOffsets(await receiver.received(client.path))).toEqual([after]);
  });

  test('Retry-After is followed', async () => {
    const client = await push.newClient();
    receiver.behave(client.path, { kind: 'status', status: 429, headers: { 'retry-after': '1' } });
    await client.produce(['first']);
    const [first] = await receiver.until(client.path, (all) => all.length >= 1);
    // Only when it has heard of the pause is it told of more.
    await vi.waitFor(
      async () => expect(await push.ask(client, 'GET', '/v1/webhook/delivery')).toHaveProperty('next_try'),
      WAIT,
    );
    receiver.behave(client.path, { kind: 'accept' });
    await client.produce(sequence(10, 10));
    const requests = await receiver.until(client.path, (all) => acceptedOffsets(all).length >= 11);
    const later = requests.filter(({ accepted }) => accepted);
    // The pause begins when the answer is read, which is after the request came.
    expect(Math.min(...later.map(({ at }) => at)) - first!.at).toBeGreaterThan(900);
  });

  test('an answer without end is cut off, and what it accepted is accepted', async () => {
    const client = await push.newClient();
    receiver.behave(client.path, { kind: 'big', bytes: 1 << 20 });
    await client.produce(sequence(3));
    await receiver.until(client.path, (all) => all.length >= 3);
    await vi.waitFor(async () => expect((await push.ask(client, 'GET', '/v1/webhook/delivery')).waiting).toBe(0), WAIT);
    expect(await receiver.received(client.path)).toHaveLength(3);
  });

  test('a slow one is given few requests at once, a quick one more', async () => {
    const client = await push.newClient();
    receiver.behave(client.path, { kind: 'status', status: 503 });
    await client.produce(sequence(40, 40));
    const failing = await receiver.until(client.path, (all) => all.length >= 10);
    expect(Math.max(...failing.slice(4).map(({ concurrent }) => concurrent))).toBeLessThanOrEqual(4);
    // So slow that a machine with much else to do does not look like a queue.
    receiver.behave(client.path, { kind: 'accept', delayMs: 50 });
    await push.ask(client, 'POST', '/v1/webhook/dead-letters/replay', { since: new Date(0).toISOString() });
    await client.produce(sequence(400, 400));
    const requests = await receiver.until(client.path, (all) => new Set(acceptedOffsets(all)).size >= 400);
    expect(Math.max(...requests.slice(failing.length).map(({ concurrent }) => concurrent))).toBeGreaterThan(6);
  });
});
