/** As an operator meets it: the real command on a folder with a log. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTokenKeys, rotateTokenKeys } from '../../protocol/claims/keys.ts';
import { openEmbeddedLog } from '../../protocol/log/embedded/open.ts';
import { topicDefinitions } from '../../protocol/log/topics.ts';
import { runSluice, startSluice } from '../../test/harness/sluice-process.ts';

const HOUR = 3_600_000;
const MAIN = fileURLToPath(new URL('../../sluice.ts', import.meta.url));
let data: string;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'sluice-keys-command-'));
  const log = await openEmbeddedLog({ folder: join(data, 'log') });
  const retention = { resultsRetentionMs: HOUR, ingestRetentionMs: HOUR };
  await log.createTopics(
    topicDefinitions({ partitions: 1, replication: 1, maxImageMessageBytes: 1 << 20, ...retention }),
  );
  await log.close();
  await openTokenKeys(join(data, 'keys'));
});
afterAll(() => rm(data, { recursive: true }));

const run = (...args: string[]): { use: string; kid: string; state: string; use_from: string; retired_at?: string }[] =>
  runSluice(['keys', ...args, '--data', data])
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** @returns exit code and stderr */
function refused(...args: string[]): { status: number; stderr: string } {
  try {
    execFileSync(process.execPath, [MAIN, 'keys', ...args, '--data', data], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    return error as { status: number; stderr: string };
  }
  throw new Error(`sluice keys ${args.join(' ')} was not refused`);
}

test('a key is retired, kept while the log may hold results made under it, and forgotten by force', {
  timeout: 120_000,
}, async () => {
  await rotateTokenKeys(join(data, 'keys'), Date.now() - 1000);
  const { kid } = run('list').find(({ use, state }) => use === 'signing' && state === 'accepted')!;
  const stateOf = (keys: ReturnType<typeof run>) => keys.find((key) => key.kid === kid)?.state;

  expect(stateOf(run('retire', kid))).toBe('retired');
  const { status, stderr } = refused('forget', kid);
  expect(status).toBe(2);
  expect(stderr).toMatch(/may be needed until 20\d\d-\d\d-\d\dT.*With --force.*dead-letter-1/s);
  expect(stateOf(run('list'))).toBe('retired');
  expect(stateOf(run('forget', kid, '--force'))).toBeUndefined();
});

test('create makes every key that a whole deployment needs, once', async () => {
  const fresh = await mkdtemp(join(tmpdir(), 'sluice-keys-create-'));
  try {
    const made = runSluice(['keys', 'create', '--data', fresh]);
    const before = await contentOf(join(fresh, 'keys'));
    expect(runSluice(['keys', 'create', '--data', fresh])).toBe(made);
    const sluice = await startSluice(['up', '--data', fresh, '--port', '0', '--vision-synthetic-enabled', 'true']);
    await sluice.kill();
    expect(await contentOf(join(fresh, 'keys'))).toEqual(before);
  } finally {
    await rm(fresh, { recursive: true });
  }
});

test('rotated keys are used after the notice that is asked for, and one that is too short is wrong usage', () => {
  const known = new Set(run('list').map(({ kid }) => kid));
  const before = Date.now();
  const coming = run('rotate', '--notice', '600').filter(({ kid }) => !known.has(kid));
  expect(new Set(coming.map(({ use }) => use))).toEqual(new Set(['signing', 'encryption', 'authentication']));
  // Key files have whole seconds.
  for (const { use_from } of coming) expect(Date.parse(use_from)).toBeGreaterThanOrEqual(before + 599_000);
  const { status, stderr } = refused('rotate', '--notice', '5');
  expect(status).toBe(2);
  expect(stderr).toContain("--notice takes 30 to 86400 seconds; not '5'");
});

test('a key is retired after the notice that is asked for, and one that is too short is wrong usage', async () => {
  await rotateTokenKeys(join(data, 'keys'), Date.now() - 1000);
  const { kid } = run('list').find(({ use, state }) => use === 'signing' && state === 'accepted')!;
  const { status, stderr } = refused('retire', kid, '--notice', '5');
  expect(status).toBe(2);
  expect(stderr).toContain("--notice takes 30 to 86400 seconds; not '5'");
  const before = Date.now();
  const retired = run('retire', kid, '--notice', '600').find((key) => key.kid === kid)!;
  // Key files have whole seconds.
  expect(Date.parse(retired.retired_at!)).toBeGreaterThanOrEqual(before + 599_000);
});

async function contentOf(folder: string): Promise<Map<string, string>> {
  const names = (await readdir(folder)).sort();
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  );
}
