/** Every benchmark suite by the name that `npm run bench -- <name>` takes; one line for each file. */
import type { Suite } from './suite.ts';

export const SUITES: Readonly<Record<string, () => Promise<{ readonly suite: Suite }>>> = {
  firehose: () => import('./firehose.ts'),
  'full-firehose': () => import('./full-firehose.ts'),
  'peers-firehose': () => import('./peers-firehose.ts'),
  ingest: () => import('./ingest.ts'),
  journal: () => import('./journal.ts'),
  push: () => import('./push.ts'),
  simulation: () => import('./simulation/validation.ts'),
  system: () => import('./system.ts'),
  vision: () => import('./vision.ts'),
};
