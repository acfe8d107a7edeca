/** The report of benchmarks in a real browser: nobody has to scroll sideways, and everybody can read it, by day and by night. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reportHtml } from '../../loadtest/report-html.ts';
import type { BenchRun } from '../../loadtest/results.ts';
import { CHROMIUM_RUNS_HERE, launchChromium } from './chromium.ts';

const machine = { cpu: 'c', cores: 2, memory_gib: 4, system: 's', node: 'n', load_before: 0, commit: 'abc' };
const variant = (name: string, kind: 'subject' | 'limit', values: number[]) => ({
  name,
  kind,
  durability: 'one fdatasync a batch, and then some more words',
  values,
  median: values[1]!,
  also: { p99_ms: 4.2, a_number_with_a_long_name_per_s: 31_000 },
});
const run = (time: string, ours: number[]): BenchRun => ({
  suite: 'trial',
  about: 'two variants that do the same',
  time,
  scale: 1,
  machine,
  cases: [
    {
      name: 'a case whose name is long enough to need a second line on a telephone',
      unit: 'messages/s',
      better: 'higher',
      rounds: 3,
      variants: [
        variant('all roles in one process, embedded log', 'subject', ours),
        variant('raw loop', 'limit', [90, 100, 110]),
      ],
      goals: [
        { subject: 'ours', against: 'raw loop', atLeast: 0.5, ratio: 0.4, met: false },
        { subject: 'ours', against: 'raw loop', atLeast: 0.3, ratio: 0.4, met: true },
      ],
    },
  ],
});

describe.skipIf(!CHROMIUM_RUNS_HERE)('the report of benchmarks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-report-'));
  const path = join(folder, 'report.html');
  let browser: Browser;

  beforeAll(async () => {
    writeFileSync(
      path,
      reportHtml([run('2026-01-01T00:00:00Z', [60, 70, 80]), run('2026-01-02T00:00:00Z', [30, 40, 50])]),
    );
    browser = await launchChromium();
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  async function open(width: number, colorScheme: 'light' | 'dark'): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    await page.goto(pathToFileURL(path).href);
    return page;
  }

  test.for(['light', 'dark'] as const)('can be read by everybody, %s', { timeout: 180_000 }, async (scheme) => {
    await using page = await open(1000, scheme);
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    await page.evaluate(`${axe}; undefined`);
    const { violations } = (await page.evaluate('axe.run(document)')) as AxeResults;
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  });

  test('fits a telephone', { timeout: 180_000 }, async () => {
    await using page = await open(390, 'light');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  });

  test('draws each bar as long as its median, and marks the run before', { timeout: 180_000 }, async () => {
    await using page = await open(1000, 'light');
    const widths = await page
      .locator('.bars rect')
      .evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width));
    expect(widths[0]! / widths[1]!).toBeCloseTo(0.4, 2);
    const [before] = await page
      .locator('.bars .before')
      .evaluateAll((marks) => marks.map((mark) => mark.getBoundingClientRect().x));
    const left = (await page.locator('.bars rect').first().boundingBox())!.x;
    expect((before! - left) / widths[1]!).toBeCloseTo(0.7, 1);
    expect(await page.getByText('−42.9 % worse').count()).toBe(1);
  });
});
