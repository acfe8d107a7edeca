/** The self-check, on the provider that every machine has, and on one that this machine lacks. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { CUDA_PROVIDER } from '../inference/session.ts';
import { readManifestSource } from '../models/manifest.ts';
import { faceextract } from '../services/faceextract/service.ts';
import { type CheckLine, checkProvider } from './check-provider.ts';

const SLUICE = fileURLToPath(new URL('../../sluice.ts', import.meta.url));

test('the CPU agrees with itself at every batch size, and each is measured', { timeout: 120_000 }, async () => {
  const lines: CheckLine[] = [];
  const manifest = await readManifestSource(faceextract.folder);
  const services = [{ service: faceextract, manifest }];
  const report = (line: CheckLine) => lines.push(line);
  expect(await checkProvider({ provider: 'cpu', services, threads: 1, maxBatch: 4, seconds: 0.01, report })).toBe(true);
  const measured = lines.filter((line) => line.check === 'model');
  expect(measured.map(({ batch, ok }) => [batch, ok])).toEqual([
    [1, true],
    [2, true],
    [4, true],
  ]);
  for (const { samplesPerSecond } of measured) expect(samplesPerSecond).toBeGreaterThan(0);
  expect(lines.at(-1)).toMatchObject({ check: 'images', images: 4, results: 2, ok: true });
});

test.skipIf(existsSync(CUDA_PROVIDER))('where CUDA is not installed the command says so and fails', async () => {
  const failed = await promisify(execFile)(process.execPath, [SLUICE, 'vision', 'check', '--provider', 'cuda']).catch(
    (error: { code: number; stderr: string; stdout: string }) => error,
  );
  expect(failed).toMatchObject({ code: 1, stdout: '' });
  expect(failed.stderr).toContain('cuda cannot be used here');
  expect(failed.stderr).toContain('docs/gpu.md');
});
