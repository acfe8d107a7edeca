import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/harness/longest-first.ts';

export default defineConfig({
  test: {
    include: ['**/*.test.ts', 'gateway/console/page/*.test.js'],
    exclude: ['node_modules/**', '.cache/**', 'data/**'],
    globalSetup: ['test/kafka/global-setup.ts'],
    // None of these makes a test that passes any longer; a machine that stalls must not fail one.
    testTimeout: 120_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // For two cores: whole systems under test often wait, so a third file fills the gaps; more only make each other slow.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // Many tests run real processes against real time-outs, and a small machine stalls now and then. What is broken fails each time, and
    // a test that needed another chance is reported as such.
    retry: 2,
  },
});
