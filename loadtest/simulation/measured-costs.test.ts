/** The measurements behind costs.json that need no broker, at a hundredth of their size: that they do what they say and end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { BenchContext, OpenVariant } from '../suite.ts';
import { openIdentityVariant } from './identity-cost.ts';
import { openSummaryVariant } from './summary-rate.ts';

const MEASUREMENTS: [string, (context: BenchContext) => Promise<OpenVariant>][] = [
  ['the summary', openSummaryVariant],
  ['a proof by secret', (context) => openIdentityVariant(context, 'by secret')],
  ['a proof by key', (context) => openIdentityVariant(context, 'by key')],
  ['an exchange', (context) => openIdentityVariant(context, 'exchange')],
];

test.each(MEASUREMENTS)('%s is measured, again and again', { timeout: 120_000 }, async (_what, open) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cost-'));
  const variant = await open({ folder, scale: 0.01 });
  try {
    for (let round = 0; round < 2; round++) {
      const { value } = await variant.measure();
      expect(value).toBeGreaterThan(0);
      expect(Number.isFinite(value)).toBe(true);
    }
  } finally {
    await variant.close();
    rmSync(folder, { recursive: true });
  }
});
