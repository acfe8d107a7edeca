/** The system suite at its smallest: every sample image once through a real deployment with the real models. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { suite } from './system.ts';

const [throughput] = suite.cases;

test('every image comes back through all services, and the processor time of all roles and of inference is told apart', {
  timeout: 240_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-system-'));
  const embedded = throughput!.variants.find(({ name }) => name.includes('embedded'))!;
  const variant = await embedded.open({ folder, scale: 0.01 });
  try {
    // Throws where an image is not accepted, or a message of one is missing or comes twice.
    const { value, also } = await variant.measure();
    expect(value).toBeGreaterThan(0);
    expect(also!.p99_ms).toBeGreaterThanOrEqual(also!.p50_ms!);
    expect(also!['all roles_cpu_ms']).toBeGreaterThan(0);
    expect(also!.inference_cpu_ms).toBeGreaterThan(0);
    expect(also!.inference_cpu_share! + also!['all roles_cpu_share']!).toBeCloseTo(1);
  } finally {
    await variant.close();
    await rm(folder, { recursive: true });
  }
});
