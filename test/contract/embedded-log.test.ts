/** The embedded log against the contract, and what is its own: sharing a folder, retention, full disks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { logContract } from './log.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-log-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

logContract('embedded log', async () => ({ kind: 'embedded', folder, leaseMs: 2000 }));
