/** For tests of whole services: a bench for each test, and services on it as the composition root starts them. */
import { join } from 'node:path';
import { Registry } from 'prom-client';
import Value from 'typebox/value';
import { afterEach, beforeEach } from 'vitest';
import type { RoleContext, RunningRole } from '../../protocol/role.ts';
import { VisionConfig } from '../config.ts';
import { startVision } from '../main.ts';
import { type Bench, openBench } from './bench.ts';

export interface VisionRoles {
  /** That of the test that runs now. */
  readonly bench: Bench;
  /** What the services of this test count. */
  readonly metrics: Registry;
  /**
   * Starts a role for each service, in this order; they end with the test.
   * @param settings whatever of the role's configuration is not to have its default
   */
  start(services: readonly string[], settings?: object): Promise<readonly RunningRole[]>;
}

/** Call once in a file, outside of its tests. */
export function rolesForEachTest(): VisionRoles {
  let bench: Bench;
  let metrics: Registry;
  const running: RunningRole[] = [];
  beforeEach(async () => {
    bench = await openBench();
    metrics = new Registry();
  });
  afterEach(async () => {
    for (const role of running.splice(0)) await role.stop();
    await bench.close();
  });
  return {
    get bench() {
      return bench;
    },
    get metrics() {
      return metrics;
    },
    async start(services, settings = {}) {
      const config = Value.Default(VisionConfig, { services, ...settings }) as VisionConfig;
      // A service asks for these alone.
      const { log, verifier, blobs, logger } = bench;
      const context = {
        log,
        verifier,
        blobs,
        logger,
        metrics,
        dataFolder: join(bench.folder, 'vision'),
      } as RoleContext;
      const started: RunningRole[] = [];
      for (const service of services) {
        const role = await startVision(context, config, service);
        running.push(role);
        started.push(role);
      }
      return started;
    },
  };
}
