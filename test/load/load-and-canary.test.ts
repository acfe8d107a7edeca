/** The load programs as they are run: against a deployment by its URL, with their verdicts and exit codes. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

const program = (name: string) => fileURLToPath(new URL(`../../loadtest/${name}.ts`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-load-'));
const data = join(folder, 'data');
const settings = ['--data', data, '--port', '0', '--log-level', 'warn', '--vision-synthetic-enabled', 'true'];
let sluice: SluiceProcess;
let token: string;

beforeAll(async () => {
  sluice = await startSluice(['up', ...settings, '--identity-authorisation-ttl-ms', '3000']);
  token = runSluice(['token', '--client', 'load', '--data', data]).trim();
}, 300_000);
afterAll(async () => {
  await sluice.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function load(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program('load'), ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test.for(['ramp', 'soak', 'spike'])(
  '%s: the load asked for is put on, all of it comes out, and it is judged',
  {
    timeout: 120_000,
  },
  async (profile) => {
    const asked = ['--url', sluice.url, '--token', token, '--profile', profile, '--rate', '10', '--duration', '6'];
    const { code, stdout, stderr } = await load(...asked, '--objective', 'p99_ms<=60000');
    const { measures, windows, verdicts } = JSON.parse(stdout);
    expect(code, stderr).toBe(0);
    const shares: Record<string, number> = { ramp: 0.75, soak: 1, spike: 1 / 3 + 0.2 * (2 / 3) };
    expect(measures.accepted + measures.refused + measures.failed).toBeGreaterThan(0.9 * 60 * shares[profile]! - 2);
    expect(measures).toMatchObject({ failed: 0, unfinished: 0, findings: 0 });
    const total = (what: 'sent' | 'accepted') =>
      windows.reduce((sum: number, window: Record<typeof what, number>) => sum + window[what], 0);
    // A machine that is slow enough sheds some of it.
    expect(total('sent')).toBe(measures.accepted + measures.refused);
    expect(total('accepted')).toBe(measures.accepted);
    expect(verdicts.map(({ measure }: { measure: string }) => measure)).toEqual(['findings', 'unfinished', 'p99_ms']);
  },
);

test('a missed objective ends with 1, a wrong one with 2 before anything is sent, a closed door with 1 and a line', {
  timeout: 120_000,
}, async () => {
  const asked = ['--url', sluice.url, '--token', token, '--rate', '5', '--duration', '2'];
  const missed = await load(...asked, '--objective', 'p50_ms<=0.001');
  expect(missed.code).toBe(1);
  expect(missed.stderr).toMatch(/p50_ms .* <= 0.001: MISSED/);
  const wrong = await load(...asked, '--objective', 'happiness>=1');
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toContain("'happiness' is not measured");
  expect((await load(...asked, '--rate', '-1')).code).toBe(2);
  const refused = await load('--url', sluice.url, '--token', 'nonsense');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^load: the firehose answered 401/);
  const closed = await load('--url', 'http://127.0.0.1:1', '--token', token);
  expect(closed.code).toBe(1);
  expect(closed.stderr).toMatch(/^load: connect ECONNREFUSED/);
});

test('the canary outlives its tokens, tells latency and completeness, and ends when it is told to', {
  timeout: 120_000,
}, async () => {
  const client = `canary-${randomUUID()}`;
  const { secret } = JSON.parse(runSluice(['clients', 'add', client, '--data', data]));
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, secret);
  const asked = [
    '--url',
    sluice.url,
    '--client',
    client,
    '--secret-file',
    secretFile,
    '--interval',
    '0.2',
    '--port',
    '0',
  ];
  const canary = spawn(process.execPath, [program('canary'), ...asked], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await readyUrl(canary);
  const figure = async (name: string) => {
    const metrics = await (await fetch(url)).text();
    return Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(metrics)?.[1]);
  };
  // Tokens live 3 s at most: this many images at five a second take longer than one of them.
  await expect
    .poll(() => figure('sluice_canary_end_to_end_seconds_count'), { timeout: 90_000, interval: 200 })
    .toBeGreaterThan(30);
  expect(await figure('sluice_canary_submissions_total{outcome="accepted"}')).toBeGreaterThan(30);
  expect(await figure('sluice_canary_submissions_total{outcome="failed"}')).toBe(0);
  expect(await figure('sluice_canary_findings')).toBe(0);
  expect(await figure('sluice_canary_overdue_images')).toBe(0);
  const exited = once(canary, 'exit');
  canary.kill('SIGTERM');
  expect((await exited)[0]).toBe(0);
});

async function readyUrl(child: ChildProcess): Promise<string> {
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  return line.replace('ready ', '');
}
