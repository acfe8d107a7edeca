/**
 * The running system against its own description: Schemathesis makes requests from it, right and wrong ones, and no answer may
 * be a 5xx or one that the description does not know. Needs python3 and the package registry, and is left out without them.
 *
 * Streams that do not end are not asked for: their tests read them.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { runSluice, startSluice } from '../harness/sluice-process.ts';

const VERSION = '4.32.5';
const FOLDER = '.cache/schemathesis';
const COMMAND = `${FOLDER}/bin/schemathesis`;
const CHECKS = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance';
const SECONDS = 40;

test('no request made from the description gets a 5xx or an answer that is not described', {
  timeout: 300_000,
}, async (context) => {
  if (!installed()) return context.skip('python3 or its packages are not to be had');
  const data = await mkdtemp(join(tmpdir(), 'sluice-openapi-'));
  const sluice = await startSluice(['up', '--data', data, '--port', '0', '--log-level', 'error'], {
    SLUICE_VISION_SYNTHETIC_ENABLED: 'true',
  });
  try {
    const token = runSluice(['token', '--client', 'schemathesis', '--data', data]).trim();
    const { stdout, failed } = await runSchemathesis(sluice.url, token, data);
    expect(failed, stdout).toBe(false);
    expect(stdout).toMatch(/Test cases:\s+[\d,]+ generated/);
    expect(sluice.stderr()).not.toContain('The request could not be completed');
  } finally {
    await sluice.stop();
    await rm(data, { recursive: true });
  }
});

async function runSchemathesis(url: string, token: string, folder: string) {
  const options = [
    ...['--checks', CHECKS, '--phases', 'examples,coverage,fuzzing', '--max-examples', '3', '--max-time', `${SECONDS}`],
    ...['--exclude-path-regex', '^/v1/(firehose|durable)', '--header', `Authorization: Bearer ${token}`],
    ...['--generation-deterministic', '--continue-on-failure', '--no-color', '--request-timeout', '20'],
  ];
  const command = join(process.cwd(), COMMAND);
  try {
    // In a folder of its own: it leaves a cache where it runs.
    const run = promisify(execFile)(command, ['run', `${url}/openapi.json`, ...options], {
      cwd: folder,
      maxBuffer: 64 << 20,
    });
    return { stdout: (await run).stdout, failed: false };
  } catch (error) {
    return { stdout: (error as { stdout: string }).stdout.slice(-20_000), failed: true };
  }
}

function installed(): boolean {
  if (existsSync(COMMAND)) return true;
  try {
    execFileSync('python3', ['-m', 'venv', FOLDER], { stdio: 'pipe' });
    execFileSync(`${FOLDER}/bin/pip`, ['install', '--quiet', `schemathesis==${VERSION}`], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}
