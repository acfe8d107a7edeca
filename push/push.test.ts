import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../protocol/config/load.ts';
import type { RunningRole } from '../protocol/role.ts';
import { newSecret } from '../protocol/webhook/sealing.ts';
import { PushConfig } from './config.ts';
import { startPush } from './main.ts';
import { type Deployment, openDeployment } from './testing/deployment.ts';
import { acceptedOffsets, type Receiver, startReceiver } from './testing/receiver.ts';

let deployment: Deployment;
let receiver: Receiver;
let push: RunningRole;

beforeAll(async () => {
  [deployment, receiver] = await Promise.all([openDeployment(), startReceiver()]);
  const file = {
    allowLoopback: true,
    groupMs: 50,
    retryScheduleMs: [20, 20, 20],
    requestTimeoutMs: 500,
    parkAfterMs: 200,
  };
  push = await startPush(deployment.context, loadConfig(PushConfig, { flags: {}, environment: {}, file }));
});
afterAll(async () => {
  await push.stop();
  await receiver.stop();
  await deployment.remove();
});

test('pushes what the token wants pushed, signed, in order, with its position', async () => {
  const secrets = [newSecret(), newSecret()];
  const url = `${receiver.http}/first`;
  receiver.expectSecrets('/first', secrets);
  const token = await deployment.token('ada', { url, secrets });
  const other = await deployment.token('ada', undefined);
  const before = await deployment.produce('ada', other, ['t']);
  const produced = await deployment.produce('ada', token, ['t', 't', 't', 't']);
  const requests = await receiver.until('/first', (all) => all.length >= 4);
  await sleep(50);
  expect(acceptedOffsets(requests)).toEqual(produced.map(({ offset }) => offset));
  expect(requests.every(({ signed, signatures }) => signed === true && signatures === 2)).toBe(true);
  const { epoch } = await deployment.log.describeTopic('results-1');
  expect(requests[0]!.body).toMatchObject({
    kind: 'message',
    epoch,
    prev: before[0]!.offset,
    type: 'ocr.v1m0.TextLine',
    transaction: 't',
    payload: { text: 'x' },
  });
  expect(requests[0]!.id).toBe(requests[0]!.body.id);
});
