import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { REVOKED_TOKEN_KEY } from '../../protocol/claims/client-records.ts';
import { Revocation } from '../../protocol/generated/client/v1m0/client_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { openTestLog, type TestLog } from '../testing/embedded-log.ts';
import { ClientDirectory, IdentityStoreError } from './client-directory.ts';
import { addClient, limitClient } from './registry.ts';

const NOW = 1_800_000_000_000;
const logger = pino({ level: 'silent' });
let log: TestLog;
let folder: string;
let directory: ClientDirectory;

beforeEach(async () => {
  log = await openTestLog();
  folder = await mkdtemp(join(tmpdir(), 'sluice-directory-'));
  await addClient(log.log, { clientId: 'alice', grants: {} }, NOW);
  directory = await open();
  await expect.poll(() => directory.get('alice')?.client.clientId).toBe('alice');
});
afterEach(async () => {
  await directory.close();
  await log.remove();
  for (const path of [folder, `${folder}.away`]) await rm(path, { recursive: true, force: true });
});

const open = () => ClientDirectory.open(log.log, folder, logger, { reopenPauseMs: 20 });
const file = () => join(folder, 'clients.sqlite');
const limitOf = (client: string) => directory.get(client)?.client.limits?.requestsPerSecond;

/** Takes the database away while it is in use. */
function breakStore(): void {
  const other = new Database(file());
  other.exec('DROP TABLE entity');
  other.close();
}

test('changes are seen, and still known when the directory is opened again', async () => {
  await limitClient(log.log, 'alice', { requestsPerSecond: 3 }, NOW);
  await expect.poll(() => limitOf('alice')).toBe(3);
  await directory.close();
  directory = await open();
  expect(limitOf('alice')).toBe(3);
  expect(directory.get('nobody')).toBeUndefined();
});

test('a damaged store is put aside and made again from the log', async () => {
  await directory.close();
  await writeFile(file(), 'this is not a database, not by far, and it is long enough to be looked at'.repeat(100));
  directory = await open();
  await expect.poll(() => directory.get('alice')?.client.clientId).toBe('alice');
});

test('while the store cannot be opened the directory says so, remembers who it saw, and comes back by itself', async () => {
  await directory.close();
  const away = `${folder}.away`;
  await rename(folder, away);
  await writeFile(folder, 'a file where the folder was');
  directory = await open();
  expect(directory.isUp).toBe(false);
  expect(() => directory.get('alice')).toThrow(IdentityStoreError);
  // In one step: where it found nothing it would make a store of its own, without alice at first.
  await symlink(away, `${folder}.back`);
  await rename(`${folder}.back`, folder);
  await expect.poll(() => directory.isUp).toBe(true);
  expect(directory.get('alice')?.client.clientId).toBe('alice');
});

test('a store that breaks in use is noticed, whom it knew is still remembered as last seen, changes included, and it is rebuilt', async () => {
  await limitClient(log.log, 'alice', { requestsPerSecond: 7 }, NOW);
  await expect.poll(() => directory.lastSeen('alice')?.client.limits?.requestsPerSecond).toBe(7);
  breakStore();
  await limitClient(log.log, 'alice', { requestsPerSecond: 8 }, NOW);
  // It may be away for some milliseconds only: why it was is what stays.
  await expect.poll(() => directory.failure).toMatch(/no such table/);
  await expect.poll(() => (directory.isUp ? limitOf('alice') : undefined)).toBe(8);
});

test('revocations that have run out are listed, to be deleted', async () => {
  const revocation = (expires: number) => ({
    time: Timestamp.fromDate(new Date(NOW)),
    expires: Timestamp.fromDate(new Date(expires)),
  });
  await log.log.produce(
    'clients-1',
    [NOW - 1, NOW + 1].map((expires) => ({
      key: `${REVOKED_TOKEN_KEY}${expires}`,
      value: Revocation.toBinary(Revocation.create(revocation(expires))),
    })),
  );
  await expect.poll(() => directory.expiredRevocations(NOW)).toEqual([`${REVOKED_TOKEN_KEY}${NOW - 1}`]);
});

test('records that are not what they should be change nothing', async () => {
  await log.log.produce('clients-1', [
    { key: 'alice', value: Buffer.from([0xff, 0xff, 0xff]) },
    { key: 'something/else', value: Buffer.from('x') },
    { key: 'bob', value: null },
  ]);
  await addClient(log.log, { clientId: 'carol', grants: {} }, NOW);
  await expect.poll(() => directory.get('carol')?.client.clientId).toBe('carol');
  expect(directory.get('alice')?.client.clientId).toBe('alice');
  expect(directory.isUp).toBe(true);
});
