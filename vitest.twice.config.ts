/**
 * Runs every test twice in its file, `npx vitest run -c vitest.twice.config.ts <path>`: what fails by it fails in its second try too,
 * whatever `retry` says.
 */
import { defineConfig } from 'vitest/config';
import once from './vitest.config.ts';

export default defineConfig({ ...once, test: { ...once.test, retry: 0, runner: './test/harness/twice-runner.ts' } });
