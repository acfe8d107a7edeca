/** The console as a person meets it: a real Chromium, the real server, real images and models. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';
import { CHROMIUM_RUNS_HERE, launchChromium } from './chromium.ts';

const sample = (name: string) => fileURLToPath(new URL(`../../vision/samples/${name}`, import.meta.url));
/** Models on a busy machine take their time. */
const PATIENCE = { timeout: 60_000 };

if (!CHROMIUM_RUNS_HERE)
  process.stderr.write(
    '\nTHE CONSOLE IS NOT TESTED HERE: there is a Chromium in node_modules for Linux on x64 alone.\n\n',
  );

describe.skipIf(!CHROMIUM_RUNS_HERE)('the console', { timeout: 180_000 }, () => {
  let data: string;
  let sluice: SluiceProcess;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let strangers: string[];

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'sluice-console-'));
    [sluice, browser] = await Promise.all([startSluice(['up', '--port', '0', '--data', data]), launchChromium()]);
  }, 300_000);

  afterAll(async () => {
    await browser?.close();
    await sluice?.stop();
    await rm(data, { recursive: true, force: true });
  });

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1200, height: 900 } });
    context.setDefaultTimeout(PATIENCE.timeout);
    page = await context.newPage();
    strangers = [];
    page.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(sluice.url)) strangers.push(request.url());
    });
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted/.test(message.text())) strangers.push(message.text());
    });
    page.on('pageerror', (error) => strangers.push(error.message));
  });

  afterEach(async () => {
    await context.close();
    expect(strangers, 'requests elsewhere, violations of the policy and errors of the page').toEqual([]);
  });

  /** As a client that no other try of the test has been. */
  async function signIn(name: string): Promise<string> {
    const client = `${name}-${randomUUID()}`;
    const token = runSluice(['token', '--client', client, '--data', data]).trim();
    await page.goto(`${sluice.url}/console`);
    await page.getByLabel('Token', { exact: true }).fill(token);
    await page.getByRole('button', { name: 'Use token' }).click();
    return token;
  }

  async function submit(token: string, transaction: string): Promise<void> {
    const response = await fetch(`${sluice.url}/v1/transactions/${transaction}/images`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'image/jpeg' },
      body: await readFile(sample('astronaut.jpg')),
    });
    expect(response.status).toBe(202);
  }

  const figure = (name: string) => page.locator(`[data-figure=${name}]`);
  const number = async (name: string) => Number.parseInt((await figure(name).textContent())!, 10);

  test('an image that is dropped shows its faces, text and codes as they arrive, drawn where they are', async () => {
    await signIn('dropper');
    await page.getByLabel(/Drop images/).setInputFiles(sample('card.jpg'));
    const card = page.getByRole('article', { name: 'card.jpg' });
    for (const kind of ['face', 'text', 'code']) await card.locator(`polygon.${kind}`).first().waitFor(PATIENCE);
    await card.getByText('LINDQVIST').waitFor(PATIENCE);
    await card.getByText(/^QRCode/i).waitFor(PATIENCE);
    await page.getByRole('heading', { name: /Summary.*complete/ }).waitFor(PATIENCE);

    // The portrait is at the left; its box is drawn over it.
    const picture = (await card.locator('img').boundingBox())!;
    expect(await card.locator('li.face').first().textContent()).toMatch(/^face \d+ %$/);
    const face = (await card.locator('polygon.face').first().boundingBox())!;
    expect((face.x + face.width / 2 - picture.x) / picture.width).toBeCloseTo(0.166, 1);
    expect((face.y + face.height / 2 - picture.y) / picture.height).toBeCloseTo(0.36, 1);
  });

  test('what is no image is refused with the server’s own words', async () => {
    await signIn('refused');
    await page
      .getByLabel(/Drop images/)
      .setInputFiles({ name: 'note.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') });
    await page.getByText(/^Refused: /).waitFor(PATIENCE);
  });

  test('client credentials sign in: an authentication token is exchanged for one that opens the stream', async () => {
    const client = `credentialed-${randomUUID()}`;
    const { secret } = JSON.parse(runSluice(['clients', 'add', client, '--data', data]));
    await page.goto(`${sluice.url}/console#stream`);
    await page.getByLabel('Client').fill(client);
    await page.getByLabel('Secret').fill('a wrong one');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect.poll(() => page.getByRole('alert').textContent(), PATIENCE).not.toBe('');
    await page.getByLabel('Secret').fill(secret);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('Stream: connected').waitFor(PATIENCE);
  });

  test('a token that is not one leads back to the sign-in, with the reason', async () => {
    await page.goto(`${sluice.url}/console`);
    await page.getByLabel('Token', { exact: true }).fill('nonsense');
    await page.getByRole('button', { name: 'Use token' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor(PATIENCE);
    await expect.poll(() => page.getByRole('alert').textContent(), PATIENCE).not.toBe('');
  });

  test('the stream inspector reads, pauses, and resumes where it was', async () => {
    const token = await signIn('inspector');
    await submit(token, 'first');
    await page.getByRole('link', { name: 'Stream' }).click();
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('cell', { name: 'summary.v1m0.TransactionSummary' }).waitFor(PATIENCE);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Stream: paused').waitFor(PATIENCE);
    const before = { offset: await number('offset'), messages: await number('messages') };

    await submit(token, 'second');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('cell', { name: 'summary.v1m0.TransactionSummary' }).nth(1).waitFor(PATIENCE);
    // As many as a reader finds who was never away.
    const whole = await fetch(`${sluice.url}/v1/firehose?from=earliest&follow=false`, {
      headers: { authorization: `Bearer ${token}` },
    }).then((response) => response.text());
    const messages = whole.split('\n').filter((line) => line.includes('"kind":"message"')).length;
    await expect.poll(() => number('messages'), PATIENCE).toBe(messages);
    expect(messages).toBeGreaterThan(before.messages);
    expect(await number('offset')).toBeGreaterThan(before.offset);
  });

  test('a filter shows only what it names, and a wrong request is explained field by field', async () => {
    const token = await signIn('filtering');
    await submit(token, 'only');
    await page.getByRole('link', { name: 'Stream' }).click();
    await page.getByLabel('Types').fill('completion.v1m0.ServiceCompleted');
    await page.getByRole('button', { name: 'Open' }).click();
    await expect.poll(() => number('messages'), PATIENCE).toBe(3);
    await page.getByLabel('From').fill('yesterday');
    await page.getByRole('button', { name: 'Open' }).click();
    await expect.poll(() => page.getByRole('alert').textContent(), PATIENCE).toContain('/from');
    await page.getByLabel('From').fill('earliest');
    await page.getByLabel('Filter expression').fill('payload.confidence >');
    await page.getByRole('button', { name: 'Open' }).click();
    await expect
      .poll(() => page.getByRole('alert').textContent(), PATIENCE)
      .toContain('/filter/expression is refused at character 20');
  });

  test('whoever is signed in sees their open streams and can close one', async () => {
    const token = await signIn('closing');
    const stream = await fetch(`${sluice.url}/v1/firehose?from=earliest`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await page.getByRole('link', { name: 'Operator' }).click();
    await page.getByRole('row', { name: /^closing/ }).waitFor(PATIENCE);
    await page.getByRole('button', { name: /^Close stream/ }).click();
    await expect(stream.text()).resolves.toContain('"reason":"closed"');
    await expect.poll(() => page.getByRole('row', { name: /^closing/ }).count(), PATIENCE).toBe(0);
  });

  test('the operator sees every role, every consumer and what is connected, without a token', async () => {
    await page.goto(`${sluice.url}/console#operator`);
    for (const role of ['gateway', 'firehose', 'vision-ocr', 'summary'])
      await page.getByRole('row', { name: new RegExp(`^${role} ready`) }).waitFor(PATIENCE);
    await page.getByRole('heading', { name: /^vision-ocr-1\.0/ }).waitFor(PATIENCE);
    for (const node of ['ingest-1', 'results-1', 'firehose', 'push'])
      await page.locator('.topology').getByText(node, { exact: true }).waitFor(PATIENCE);
    await page.getByRole('heading', { name: 'Webhook endpoints' }).waitFor(PATIENCE);
  });

  test('everything can be reached and done by keyboard', async () => {
    const token = runSluice(['token', '--client', 'keys', '--data', data]).trim();
    await page.goto(`${sluice.url}/console`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor(PATIENCE);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'With client credentials' }).waitFor(PATIENCE);
    for (const field of ['client', 'secret', '', 'token']) {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.id')).toBe(field);
    }
    await page.keyboard.insertText(token);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByLabel('Transaction').waitFor(PATIENCE);
    await page.getByRole('link', { name: 'Stream' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('From').press('Enter');
    await page.getByText(/^Stream: connect/).waitFor(PATIENCE);
  });

  test.each(['light', 'dark'] as const)('no view breaks a rule of accessibility (%s)', async (colorScheme) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.goto(`${sluice.url}/console`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor(PATIENCE);
    expect(await violations()).toEqual([]);
    await signIn('accessible');
    await page.getByLabel(/Drop images/).setInputFiles(sample('astronaut.jpg'));
    await page.locator('polygon.face').first().waitFor(PATIENCE);
    expect(await violations()).toEqual([]);
    await page.goto(`${sluice.url}/console#stream`);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('Stream: connected').waitFor(PATIENCE);
    expect(await violations()).toEqual([]);
    await page.goto(`${sluice.url}/console#operator`);
    await page.locator('.topology').getByText('ingest-1').waitFor(PATIENCE);
    expect(await violations()).toEqual([]);
  });

  async function violations(): Promise<string[]> {
    // Through the protocol of the debugger, which the page's policy does not bind.
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    await page.evaluate(`${axe}; undefined`);
    const results = (await page.evaluate('axe.run(document)')) as AxeResults;
    return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }

  test('on a phone nothing is wider than the screen', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await signIn('phone');
    for (const view of ['images', 'stream', 'operator']) {
      await page.goto(`${sluice.url}/console#${view}`);
      await page.getByRole('heading', { level: 2 }).first().waitFor(PATIENCE);
      if (view === 'operator') await page.locator('.topology').getByText('ingest-1').waitFor(PATIENCE);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    }
  });
});
