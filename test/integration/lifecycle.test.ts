/** The running system when its log is taken away, and when it is told to stop in the middle of a submission. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { sampleImage } from '../../gateway/testing/sample-image.ts';
import { unpackEvent } from '../../protocol/envelope.ts';
import { openEmbeddedLog } from '../../protocol/log/embedded/open.ts';
import { readToEnd } from '../../protocol/log/read-to-end.ts';
import { INGEST_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { RunningCommand } from '../harness/run-command.ts';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

const ENVIRONMENT = { SLUICE_VISION_SERVICES: 'synthetic' };

let data: string;
let sluice: SluiceProcess;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'sluice-lifecycle-'));
  sluice = await startSluice(['up', '--data', data, '--port', '0', '--log-level', 'warn'], ENVIRONMENT);
}, 300_000);
afterEach(async () => {
  await sluice.kill().catch(() => {});
  await rm(data, { recursive: true });
});

const grants = ['ingest-1', 'synthetic-1', 'firehose-1'].flatMap((grant) => ['--grant', grant]);
const token = () => runSluice(['token', '--client', 'ada', '--data', data, ...grants]).trim();

async function readiness(): Promise<{ status: number; notReady: string[]; details: string }> {
  const response = await fetch(`${sluice.url}/readyz`);
  const { roles } = (await response.json()) as { roles: { role: string; ready: boolean; detail: string }[] };
  const notReady = roles.filter(({ ready }) => !ready);
  return {
    status: response.status,
    notReady: notReady.map(({ role }) => role),
    details: notReady.map(({ detail }) => detail).join('\n'),
  };
}

test('without its log it is not ready and says so, is alive all the same, and is ready again by itself', {
  timeout: 180_000,
}, async () => {
  await expect.poll(readiness, { interval: 250 }).toMatchObject({ status: 200, notReady: [] });
  // Somebody holds the log's file: nothing can be appended.
  const held = new Database(join(data, 'log', 'log.sqlite'));
  await expect.poll(() => begin(held)).toBe(true);
  try {
    // Each role finds it out for itself.
    await expect.poll(readiness, { interval: 250 }).toMatchObject({
      status: 503,
      notReady: expect.arrayContaining(['gateway', 'identity']),
      details: expect.stringContaining('the log takes nothing since'),
    });
    expect((await fetch(`${sluice.url}/livez`)).status).toBe(200);
  } finally {
    held.exec('ROLLBACK');
    held.close();
  }
  await expect.poll(async () => (await readiness()).status, { interval: 250 }).toBe(200);
});

function begin(database: Database.Database): boolean {
  try {
    database.exec('BEGIN IMMEDIATE');
    return true;
  } catch {
    return false;
  }
}

test('told to stop it listens no more, finishes what it is taking in, and ends when the log has that', {
  timeout: 180_000,
}, async () => {
  const image = await sampleImage('image/jpeg', 300, 300);
  // Before the connections are there, which wait no longer for a request than any other.
  const bearer = token();
  const port = Number(new URL(sluice.url).port);
  const sending = connect(port, '127.0.0.1');
  const idle = connect(port, '127.0.0.1');
  await Promise.all([once(sending, 'connect'), once(idle, 'connect')]);
  const half = image.byteLength >> 1;
  sending.write(
    `POST /v1/transactions/last/images HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: ${image.byteLength}\r\nAuthorization: Bearer ${bearer}\r\n\r\n`,
  );
  sending.write(image.subarray(0, half));
  await expect.poll(takingIn).toBe(1);

  const idleClosed = once(idle, 'close');
  const ended = sluice.stop();
  await idleClosed;
  await expect.poll(() => refused(port)).toBe(true);
  // Nobody else gets in, and this one is still heard.
  sending.write(image.subarray(half));
  const answer = await everything(sending);
  expect(answer).toMatch(/^HTTP\/1\.1 202 /);
  expect(answer.toLowerCase()).toContain('connection: close');
  expect(await ended).toBe(0);

  const { images } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as { images: { image: string }[] };
  const log = await openEmbeddedLog({ folder: join(data, 'log') });
  try {
    const ids = async (topic: string) => {
      const seen: string[] = [];
      await readToEnd(log, topic, ({ value }) => value !== null && seen.push(unpackEvent(value).messageId));
      return seen;
    };
    expect(await ids(INGEST_TOPIC)).toContain(images[0]!.image);
    expect((await ids(RESULTS_TOPIC)).length).toBeGreaterThanOrEqual(1);
  } finally {
    await log.close();
  }
});

test('told to stop before it is ready it ends as well', async () => {
  // Not ready for as long as the first process writes the journals.
  const second = new RunningCommand(['firehose', '--data', data, '--port', '0']);
  onTestFinished(() => void second.child.kill('SIGKILL'));
  await expect.poll(() => second.stderr).toContain('already has a writer');
  expect(await second.kill('SIGTERM')).toBe(0);
});

async function takingIn(): Promise<number> {
  const metrics = await (await fetch(`${sluice.url}/metrics`)).text();
  return Number(/^sluice_gateway_in_flight_requests (\d+)/m.exec(metrics)?.[1]);
}

function refused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}

async function everything(socket: Socket): Promise<string> {
  let received = '';
  socket.setEncoding('latin1').on('data', (text) => {
    received += text;
  });
  await once(socket, 'close');
  return received;
}
