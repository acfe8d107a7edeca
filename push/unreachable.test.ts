/** An endpoint whose host never answers a connect. */
import { expect, test, vi } from 'vitest';
import { type DeafReceiver, startDeafReceiver } from './testing/deaf-receiver.ts';
import { acceptedOffsets, type Receiver } from './testing/receiver.ts';
import { type ClientOfTest, pushOfFile, type RunningPush, runPush, sequence, WAIT } from './testing/running-push.ts';

const TEN_MINUTES = 600_000;

let receiver: Receiver;
/** Neither time-out ends anything while a test runs. */
let patient: RunningPush;

pushOfFile(
  (its, running) => {
    receiver = its;
    patient = running;
  },
  { connectTimeoutMs: TEN_MINUTES, requestTimeoutMs: TEN_MINUTES },
);

const delivery = (push: RunningPush, client: ClientOfTest) => push.ask(client, 'GET', '/v1/webhook/delivery');

async function withDeafReceiver(work: (deaf: DeafReceiver) => Promise<void>): Promise<void> {
  const deaf = await startDeafReceiver();
  try {
    await work(deaf);
  } finally {
    await deaf.stop();
  }
}

test('while a connect is not answered, everything is delivered to others', () =>
  withDeafReceiver(async (deaf) => {
    const unreachable = await patient.newClient({}, deaf.origin);
    await unreachable.produce(sequence(30, 30));
    const connecting = { state: 'well', in_flight: 1, waiting: 30 };
    await vi.waitFor(async () => expect(await delivery(patient, unreachable)).toMatchObject(connecting), WAIT);
    const other = await patient.newClient();
    const offsets = await other.produce(sequence(200, 20));
    const requests = await receiver.until(other.path, (all) => all.length >= 200);
    expect(acceptedOffsets(requests).toSorted((a, b) => a - b)).toEqual(offsets);
    // It was so all the time: nothing of it has failed, and it has got no second connection.
    expect(await delivery(patient, unreachable)).toMatchObject(connecting);
  }));

test('a connect that is not answered is given up after its own time-out, however long a request may take', () =>
  withDeafReceiver(async (deaf) => {
    const timeouts = { connectTimeoutMs: 300, requestTimeoutMs: TEN_MINUTES };
    // One try after the other, so that nothing is given up: it waits until it gets through.
    const push = await runPush(receiver, { ...timeouts, retryScheduleMs: Array(1_000).fill(20) });
    try {
      const client = await push.newClient({}, deaf.origin);
      await client.produce(['a']);
      await vi.waitFor(async () => expect(await delivery(push, client)).toMatchObject({ cause: 'timeout' }), WAIT);
      deaf.hear();
      const done = { state: 'well', waiting: 0, dead_letters: 0 };
      await vi.waitFor(async () => expect(await delivery(push, client)).toMatchObject(done), WAIT);
    } finally {
      await push.stop();
      await push.deployment.remove();
    }
  }));
