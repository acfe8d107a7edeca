import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts', 'gateway/console/page/*.test.js'],
    exclude: ['node_modules/**', '.cache/**', 'data/**'],
    globalSetup: ['test/kafka/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores: more files at once only make each other slow.
    maxWorkers: 2,
  },
});
