/** While the identity store is away: what still works, for whom, and how it shows. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openToken } from '../../protocol/claims/token.ts';
import { addClient } from '../clients/registry.ts';
import { openIdentity } from '../testing/identity-fixture.ts';
import { ACCESS_TOKEN, EXCHANGE, GRANTS } from '../testing/known-clients.ts';

test('the database taken away: tokens for idempotent work only, to clients known, visible in metrics; then all is well again', async () => {
  const own = await openIdentity();
  const value = async (name: string, labels: Record<string, string> = {}) => {
    const { values } = await own.metrics.getSingleMetric(name)!.get();
    return values.find((it) => Object.entries(labels).every(([key, text]) => it.labels[key] === text))?.value;
  };
  try {
    const known = (await addClient(own.log.log, { clientId: 'known', grants: GRANTS }, Date.now()))!;
    const unseen = (await addClient(own.log.log, { clientId: 'unseen', grants: GRANTS }, Date.now()))!;
    const login = (client_id: string, client_secret: string) =>
      own.post('/oauth/token', { grant_type: 'client_credentials', client_id, client_secret });
    const swap = (subject_token: string) =>
      own.post('/oauth/token', { grant_type: EXCHANGE, subject_token, subject_token_type: ACCESS_TOKEN });
    await expect.poll(async () => (await login('unseen', unseen)).status).toBe(200);
    const subject = (await login('known', known)).body.access_token;
    expect(await value('sluice_identity_store_up')).toBe(1);

    // Its table goes, and a directory stands where the new file would be made, so that it stays away.
    const database = new Database(join(own.storeFolder, 'clients.sqlite'));
    database.exec('DROP TABLE entity');
    database.close();
    await mkdir(join(own.storeFolder, 'clients.sqlite.damaged', 'x'), { recursive: true });

    const degraded = await swap(subject);
    expect(degraded.status).toBe(200);
    const claims = await openToken(own.keys, degraded.body.access_token);
    expect(claims).toMatchObject({ client: 'known', idempotentOnly: true });
    expect(claims.expiresAt - claims.issuedAt).toBeLessThanOrEqual(122_000);
    expect(await login('known', known)).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    expect(await value('sluice_identity_store_up')).toBe(0);
    expect(await value('sluice_identity_tokens_total', { degraded: 'true' })).toBe(1);

    await rm(join(own.storeFolder, 'clients.sqlite.damaged'), { recursive: true });
    await expect.poll(async () => (await login('known', known)).status).toBe(200);
    expect((await openToken(own.keys, (await swap(subject)).body.access_token)).idempotentOnly).toBe(false);
    expect(await value('sluice_identity_store_up')).toBe(1);
  } finally {
    await own.close();
  }
});
