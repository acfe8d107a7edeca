/**
 * The order of test files: what runs whole systems comes first, the longest of all at the very beginning, so that short files fill
 * the workers at the end. Vitest goes by size, or by the durations of the last run, which a fresh machine does not have.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const LONGEST = '/test/chaos/chaos.test.ts';

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a.moduleId) - rank(b.moduleId));
  }
}

function rank(path: string): number {
  if (path.endsWith(LONGEST)) return 0;
  return path.includes('/test/') ? 1 : 2;
}
