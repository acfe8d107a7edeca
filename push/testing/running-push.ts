/** Push running in this process with what a test needs around it: a deployment, the receiver process, clients, the routes. */
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { loadConfig } from '../../protocol/config/load.ts';
import { type Event, payloadJson, unpackEvent } from '../../protocol/envelope.ts';
import { createHttpServer } from '../../protocol/http/server.ts';
import type { Log } from '../../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import type { RunningRole } from '../../protocol/role.ts';
import { newSecret } from '../../protocol/webhook/sealing.ts';
import { PushConfig } from '../config.ts';
import { startPush } from '../main.ts';
import { type Deployment, openDeployment, quiet, type WebhookOfTest } from './deployment.ts';
import { type Receiver, startReceiver } from './receiver.ts';

/** For `vi.waitFor`: long enough for a machine that has much else to do. */
export const WAIT = { timeout: 60_000, interval: 20 };

/** Everything happens soon, but a request may take as long as a receiver may get no processor: what is sent twice for it fails tests. */
const CONFIG = {
  allowLoopback: true,
  groupMs: 50,
  retryScheduleMs: [20, 20, 20, 20],
  requestTimeoutMs: 30_000,
  connectTimeoutMs: 30_000,
  parkAfterMs: 150,
  breaker: { openMs: 50, maxOpenMs: 200 },
  batch: { messages: 10, waitMs: 100 },
  maxRetryAfterMs: 1000,
};

export interface ClientOfTest {
  readonly name: string;
  /** Its own at the receiver. */
  readonly path: string;
  readonly token: string;
  /** Appends a message for each transaction named. @returns their offsets */
  produce(transactions: readonly string[], text?: string): Promise<number[]>;
}

export interface RunningPush {
  readonly deployment: Deployment;
  readonly role: RunningRole;
  readonly epoch: string;
  /** A client of this test alone. */
  newClient(webhook?: Partial<WebhookOfTest>, origin?: string): Promise<ClientOfTest>;
  /** Asks push's routes as that client. */
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of any answer
  ask(client: ClientOfTest, method: 'GET' | 'POST', url: string, body?: object): Promise<any>;
  /** What the client's firehose says of its webhook so far. */
  noticesOf(client: ClientOfTest): { readonly type: string; readonly payload: Record<string, unknown> }[];
  /** Stops push; another may be opened on the same deployment. */
  stop(): Promise<void>;
}

export function pushConfig(more: object = {}): PushConfig {
  return loadConfig(PushConfig, { flags: {}, environment: {}, file: { ...CONFIG, ...more } });
}

/** @param more settings that differ from those of every test @param on the deployment of an earlier one */
export async function runPush(receiver: Receiver, more: object = {}, on?: Deployment): Promise<RunningPush> {
  const deployment = on ?? (await openDeployment());
  const role = await startPush(deployment.context, pushConfig(more));
  await vi.waitFor(() => expect(role.readiness()).toMatchObject({ ready: true }), WAIT);
  const server = createHttpServer({ logger: quiet as never, bodyLimit: 1 << 20 });
  await server.register(role.routes!);
  const base = await server.listen({ host: '127.0.0.1', port: 0 });
  const { epoch } = await deployment.log.describeTopic(RESULTS_TOPIC);
  const notices = await followNotices(deployment.log);
  return {
    deployment,
    role,
    epoch,
    async newClient(webhook = {}, origin = receiver.http) {
      const name = `client-${clients++}`;
      const path = `/${name}`;
      const secrets = [newSecret()];
      receiver.expectSecrets(path, secrets);
      const token = await deployment.token(name, { url: origin + path, secrets, ...webhook });
      return {
        name,
        path,
        token,
        async produce(transactions, text) {
          const produced = await deployment.produce(name, token, transactions, text);
          return produced.map(({ offset }) => offset);
        },
      };
    },
    async ask({ token }, method, url, body) {
      const response = await fetch(base + url, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: response.status, ...((await response.json()) as object) };
    },
    noticesOf: (client) =>
      notices.events
        .filter((event) => event.client === client.name)
        .map((event) => ({ type: event.type, payload: payloadJson(event) as Record<string, unknown> })),
    async stop() {
      await notices.close();
      await server.close();
      await role.stop();
    },
  };
}

/** For the tests of a file: push and its receiver, started before the first of them and stopped after the last. */
export function pushOfFile(started: (receiver: Receiver, push: RunningPush) => void, more: object = {}): void {
  let receiver: Receiver | undefined;
  let push: RunningPush | undefined;
  // Above what is waited for within: then a test says what it has been waiting for.
  vi.setConfig({ testTimeout: 150_000, hookTimeout: 300_000 });
  beforeAll(async () => {
    receiver = await startReceiver();
    push = await runPush(receiver, more);
    started(receiver, push);
  });
  afterAll(async () => {
    await push?.stop();
    await push?.deployment.remove();
    await receiver?.stop();
  });
}

let clients = 0;

async function followNotices(log: Log): Promise<{ readonly events: readonly Event[]; close(): Promise<void> }> {
  const events: Event[] = [];
  const all = await log.watermarks(RESULTS_TOPIC);
  const following = await log.follow({
    topic: RESULTS_TOPIC,
    from: new Map(all.map(({ partition }) => [partition, 0])),
    onBatch: async ({ records }) => {
      for (const { value } of records) {
        const event = unpackEvent(value);
        if (event.type.startsWith('push.')) events.push(event);
      }
    },
  });
  return { events, close: () => following.close() };
}

/** So many transactions by turns. */
export const sequence = (count: number, transactions = 1) =>
  Array.from({ length: count }, (_, i) => `t${i % transactions}`);
