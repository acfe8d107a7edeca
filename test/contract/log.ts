/** What every log must do, whatever it is made of. Called by one test file for each implementation. */
import { describe } from 'vitest';
import type { LogSettings } from '../../protocol/log/settings.ts';
import { batchesContract } from './log/batches.ts';
import { LogBench } from './log/bench.ts';
import { closingContract } from './log/closing.ts';
import { followingContract } from './log/following.ts';
import { groupsContract } from './log/groups.ts';
import { manyGroupsContract } from './log/many-groups.ts';
import { positionsContract } from './log/positions.ts';
import { processesContract } from './log/processes.ts';
import { producingContract } from './log/producing.ts';
import { topicsContract } from './log/topics.ts';

/** @param settings of a log that is there when the tests run; its members' sessions should be short (1 to 3 s) */
export function logContract(name: string, settings: () => Promise<LogSettings>): void {
  describe(`${name}: the contract of the log`, { timeout: 180_000 }, () => {
    const bench = new LogBench(settings);
    producingContract(bench);
    topicsContract(bench);
    followingContract(bench);
    batchesContract(bench);
    groupsContract(bench);
    manyGroupsContract(bench);
    positionsContract(bench);
    closingContract(bench);
    processesContract(bench);
  });
}
