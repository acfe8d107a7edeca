import { expect, test } from 'vitest';
import { UsageError } from './errors.ts';
import { mintFor } from './mint.ts';

test.each([0, -1, Number.NaN, 31 * 86_400 + 1])(
  'a token for %s seconds is not made, and what would be is said',
  async (ttl) => {
    const minted = mintFor('/nonexistent', 'ada', [], ttl);
    await expect(minted).rejects.toThrow(UsageError);
    await expect(minted).rejects.toThrow('above 0 and at most 2678400 (31 days)');
  },
);
