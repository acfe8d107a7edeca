/** What push sends, to a real receiver process. */
import { describe, expect, test } from 'vitest';
import { RESULTS_TOPIC } from '../protocol/log/topics.ts';
import { newSecret } from '../protocol/webhook/sealing.ts';
import type { Receiver } from './testing/receiver.ts';
import { pushOfFile, type RunningPush, sequence } from './testing/running-push.ts';

let receiver: Receiver;
let push: RunningPush;

pushOfFile((its, running) => {
  receiver = its;
  push = running;
});

describe('what is pushed', () => {
  test('each message, signed with every secret in use, with its place on the firehose', async () => {
    const secrets = [newSecret(), newSecret()];
    const client = await push.newClient({ secrets });
    receiver.expectSecrets(client.path, secrets);
    const unpushed = await push.deployment.token(client.name, undefined);
    const [before] = await push.deployment.produce(client.name, unpushed, ['t']);
    const first = await client.produce(['t', 't']);
    const [between] = await push.deployment.produce(client.name, unpushed, ['t']);
    const last = await client.produce(['t']);
    const requests = await receiver.until(client.path, (all) => all.length >= 3);
    expect(requests.map(({ signed, signatures }) => [signed, signatures])).toEqual(Array(3).fill([true, 2]));
    expect(requests.map(({ body }) => [body.epoch, body.prev, body.offset])).toEqual([
      [push.epoch, before!.offset, first[0]],
      [push.epoch, first[0], first[1]],
      [push.epoch, between!.offset, last[0]],
    ]);
    expect(requests.map(({ id }) => id)).toEqual(requests.map(({ body }) => body.id));
    expect(requests[0]!.body).toMatchObject({ kind: 'message', transaction: 't', payload: { text: 'x' } });
  });

  test('only the types that the client wants', async () => {
    const client = await push.newClient({ types: ['barcode.*'] });
    const wanted = await push.newClient({ types: ['ocr.*'] });
    await client.produce(['t']);
    await wanted.produce(['t']);
    await receiver.until(wanted.path, (all) => all.length === 1);
    await expect(receiver.received(client.path)).resolves.toEqual([]);
  });

  test('several messages in one request, in mode batch', async () => {
    const client = await push.newClient({ mode: 'batch' });
    const offsets = await client.produce(sequence(25, 3));
    const requests = await receiver.until(client.path, (all) => all.flatMap(({ body }) => body.messages).length >= 25);
    expect(requests.length).toBeLessThan(25);
    expect(Math.max(...requests.map(({ body }) => body.messages.length))).toBeLessThanOrEqual(10);
    expect(requests.every(({ signed }) => signed)).toBe(true);
    expect(requests[0]!.body).toMatchObject({ kind: 'batch', epoch: push.epoch });
    const messages: { offset: number; transaction: string }[] = requests.flatMap(({ body }) => body.messages);
    expect(messages.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual(offsets);
    for (const transaction of ['t0', 't1', 't2']) {
      const own = messages.filter((it) => it.transaction === transaction).map(({ offset }) => offset);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
  });

  test('only word that there is something, in mode thin', async () => {
    const client = await push.newClient({ mode: 'thin' });
    const offsets = await client.produce(sequence(30, 3));
    const requests = await receiver.until(client.path, (all) => all.at(-1)?.body.offset === offsets.at(-1));
    expect(requests.length).toBeLessThan(10);
    expect(requests[0]!.body).toEqual({
      kind: 'notification',
      epoch: push.epoch,
      offset: expect.any(Number),
      messages: expect.any(Number),
    });
  });

  test('not faster than the client asks for', async () => {
    const client = await push.newClient({ rate: 40 });
    await client.produce(sequence(40, 40));
    const requests = await receiver.until(client.path, (all) => all.length >= 40);
    const span = requests.at(-1)!.at - requests[0]!.at;
    // All at once they would take a few milliseconds; how late the first one came is the machine's matter.
    expect(span).toBeGreaterThan(39 * 25 * 0.5);
  });

  test('prev: nothing of the client lies between it and the message, even where a repeat was left out', async () => {
    const client = await push.newClient({ types: ['barcode.*'] });
    const all = await push.deployment.token(client.name, { url: receiver.http + client.path, secrets: [newSecret()] });
    receiver.expectSecrets(client.path, []);
    // Not pushed, and appended twice, as by a service that was killed before it knew that the first was acknowledged.
    const [event] = await push.deployment.events(client.name, client.token, ['t']);
    const [first] = await push.deployment.log.produce(RESULTS_TOPIC, [event!]);
    const [repeat] = await push.deployment.log.produce(RESULTS_TOPIC, [event!]);
    const [pushed] = await push.deployment.produce(client.name, all, ['t']);
    const [request] = await receiver.until(client.path, (requests) => requests.length === 1);
    const { prev, offset } = request!.body;
    expect(offset).toBe(pushed!.offset);
    expect(prev).toBeGreaterThanOrEqual(first!.offset);
    expect(prev).toBeLessThanOrEqual(repeat!.offset);
  });
});
