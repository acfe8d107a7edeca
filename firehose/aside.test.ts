/** Journals that could not serve do not fill the disk: the node tidies up after itself. */
import { existsSync, mkdirSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { TestNode } from './testing/node.ts';

const HOUR = 3_600_000;
const PATIENCE = { timeout: 30_000, interval: 20 };

test('a node keeps of each partition the journals that were moved aside last, and says what it removes', async () => {
  await using node = await TestNode.start({ journal: { asideKeep: 1, asideKeepMs: 5 * HOUR } });
  await node.stopRole();
  const aside = `${dirname(node.journalFolder(0))}-aside`;
  const put = (name: string, hoursAgo: number) => {
    const path = join(aside, name);
    mkdirSync(path, { recursive: true });
    const time = Date.now() / 1000 - hoursAgo * 3600;
    utimesSync(path, time, time);
    return path;
  };
  const gone = [put('0-1', 2), put('1-1', 6)];
  const kept = put('0-2', 1);
  await node.startRole();
  await expect.poll(() => gone.filter(existsSync), PATIENCE).toEqual([]);
  expect(existsSync(kept)).toBe(true);
  const said = () => node.metrics.metrics();
  await expect.poll(said, PATIENCE).toContain('sluice_firehose_journals_aside_removed_total 2');
  expect(await said()).toContain('sluice_firehose_journals_aside 1');
});
