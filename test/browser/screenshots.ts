/** `node test/browser/screenshots.ts`: takes the pictures of the console that the documentation shows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runSluice, startSluice } from '../harness/sluice-process.ts';
import { launchChromium } from './chromium.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const shot = (name: string) => ({ path: join(ROOT, 'docs/images', `console-${name}.png`), fullPage: true });

const data = mkdtempSync(join(tmpdir(), 'sluice-screenshots-'));
const [sluice, browser] = await Promise.all([startSluice(['up', '--port', '0', '--data', data]), launchChromium()]);
try {
  const token = runSluice(['token', '--client', 'demo', '--data', data]).trim();
  const page = await browser.newPage({ viewport: { width: 1000, height: 700 }, colorScheme: 'light' });
  await page.goto(`${sluice.url}/console`);
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Use token' }).click();
  await page
    .getByLabel(/Drop images/)
    .setInputFiles(['astronaut.jpg', 'card.jpg'].map((name) => `${ROOT}vision/samples/${name}`));
  await page.getByRole('heading', { name: /Summary.*complete/ }).waitFor();
  await page.locator('polygon.code').first().waitFor();
  await page.screenshot(shot('images'));
  await page.getByRole('link', { name: 'Stream' }).click();
  await page.getByRole('button', { name: 'Open' }).click();
  await page
    .getByRole('cell', { name: /Summary/ })
    .first()
    .waitFor();
  await page.screenshot({ ...shot('stream'), fullPage: false });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.getByRole('link', { name: 'Operator' }).click();
  await page.locator('.topology').getByText('ingest-1').waitFor();
  await page
    .getByText(/^lag 0 · 0/)
    .first()
    .waitFor();
  await page.screenshot(shot('operator'));
} finally {
  await browser.close();
  await sluice.stop();
  rmSync(data, { recursive: true, force: true });
}
