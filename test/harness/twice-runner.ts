/** A runner of vitest that runs each test twice, with its beforeEach and without its beforeAll, as a retry does. */
import { type RunnerTask, type RunnerTestFile, TestRunner } from 'vitest';

// biome-ignore lint/style/noDefaultExport: vitest takes the default export.
export default class TwiceRunner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    for (const file of files) for (const task of file.tasks) twice(task);
  }
}

function twice(task: RunnerTask): void {
  if (task.type === 'suite') for (const each of task.tasks) twice(each);
  else task.repeats = 1;
}
