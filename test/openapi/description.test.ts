/** The description of the interface, and its page as a person meets it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import sluicePackage from '../../package.json' with { type: 'json' };
import { CHROMIUM_RUNS_HERE, launchChromium } from '../browser/chromium.ts';
import { type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}
interface Schema {
  readonly properties?: { readonly type?: { readonly enum?: readonly string[] } };
}

let data: string;
let sluice: SluiceProcess;
let info: { version: string };
let paths: Record<string, Record<string, Operation>>;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'sluice-description-'));
  sluice = await startSluice(['up', '--data', data, '--port', '0', '--log-level', 'warn'], {
    SLUICE_VISION_SERVICES: 'synthetic',
  });
  const description = await (await fetch(`${sluice.url}/openapi.json`)).json();
  ({ info, paths } = description as { info: typeof info; paths: typeof paths });
}, 300_000);
afterAll(async () => {
  await sluice?.kill();
  await rm(data, { recursive: true });
});

/** What an operation may be answered with where it does not succeed, by the keys of the problems. */
function problemsOf(method: string, path: string): string[] {
  const { responses } = paths[path]![method]!;
  const types = Object.values(responses).flatMap(
    ({ content }) => content?.['application/problem+json']?.schema.properties?.type?.enum ?? [],
  );
  return types.map((type) => type.replace('/problems/', '')).sort();
}

test('each operation names its own problems and none of another', () => {
  const always = ['headers-too-large', 'internal-error', 'invalid-request', 'not-granted', 'unauthenticated'];
  const withBody = ['payload-too-large', 'request-timeout', 'unsupported-media-type'];
  expect(problemsOf('get', '/v1/webhook')).toEqual([...always, 'not-found'].sort());
  expect(problemsOf('get', '/v1/usage')).toEqual([...always, 'unavailable'].sort());
  expect(problemsOf('post', '/v1/transactions/{id}/close')).toEqual(
    [...always, ...withBody, 'not-found', 'unavailable'].sort(),
  );
  const submit = problemsOf('post', '/v1/transactions/{id}/images');
  expect(submit).toEqual(
    expect.arrayContaining(['idempotency-conflict', 'invalid-image', 'overloaded', 'rate-limited']),
  );
  expect(submit).not.toContain('offset-ahead');
  expect(problemsOf('get', '/v1/firehose')).toEqual(
    expect.arrayContaining(['wrong-epoch', 'offset-retired', 'offset-ahead', 'not-acceptable']),
  );
  expect(problemsOf('get', '/v1/firehose')).not.toContain('invalid-image');
});

test('the description is that of the version that runs', () => {
  expect(info.version).toBe(sluicePackage.version);
});

test('each operation says what it is for', () => {
  const silent = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { summary, tags }]) => !summary || tags?.length !== 1)
      .map(([method]) => `${method} ${path}`),
  );
  expect(silent).toEqual([]);
});

test('every problem type in the description is a page at its URI', async () => {
  const types = new Set(
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).flatMap((method) => problemsOf(method, path)),
    ),
  );
  expect(types.size).toBeGreaterThan(15);
  for (const type of types) expect((await fetch(`${sluice.url}/problems/${type}`)).status, type).toBe(200);
});

describe.skipIf(!CHROMIUM_RUNS_HERE)('the page /openapi', { timeout: 120_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  }, 300_000);
  afterAll(() => browser?.close());

  test('shows the operations and tries one out, loads nothing from elsewhere and breaks no policy', async () => {
    const page = await browser.newPage();
    const trouble: string[] = [];
    page.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(sluice.url)) trouble.push(request.url());
    });
    page.on('console', (message) => message.type() === 'error' && trouble.push(message.text()));
    page.on('pageerror', (error) => trouble.push(error.message));
    const response = await page.goto(`${sluice.url}/openapi`);
    const policy = response!.headers()['content-security-policy']!;
    expect(policy).toMatch(/default-src 'self'|script-src[^;]*'self'/);
    expect(policy).not.toMatch(/script-src[^;]*'unsafe-inline'/);
    const operation = page.locator('.opblock', { hasText: '/livez' }).first();
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    await operation.getByRole('button', { name: 'Execute' }).click();
    await operation.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();
    expect(await page.locator('.opblock').count()).toBeGreaterThan(20);
    expect(trouble).toEqual([]);
  });
});
