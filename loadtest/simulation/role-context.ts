/** What a role needs to run for a measurement: an embedded log with all topics, keys, and a folder of its own. */
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { FolderBlobStore } from '../../protocol/blob/folder-blob-store.ts';
import type { Grants } from '../../protocol/claims/grant.ts';
import { openTokenKeys } from '../../protocol/claims/keys.ts';
import { mintToken } from '../../protocol/claims/token.ts';
import { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { openLog } from '../../protocol/log/open.ts';
import { topicDefinitions } from '../../protocol/log/topics.ts';
import type { RoleContext } from '../../protocol/role.ts';

const PARTITIONS = 8;
const HOUR = 3_600_000;

export interface MeasuredRole {
  readonly context: RoleContext;
  /** Valid for an hour. */
  token(client: string, grants: Grants): Promise<string>;
}

/** Close its log when the role has stopped. */
export async function openRoleContext(folder: string): Promise<MeasuredRole> {
  const logSettings = { kind: 'embedded' as const, folder: join(folder, 'log') };
  const log = await openLog(logSettings);
  const retention = { resultsRetentionMs: HOUR, ingestRetentionMs: HOUR };
  await log.createTopics(
    topicDefinitions({ partitions: PARTITIONS, replication: 1, maxImageMessageBytes: 1 << 20, ...retention }),
  );
  const keysFolder = join(folder, 'keys');
  const keys = await openTokenKeys(keysFolder);
  return {
    context: {
      log,
      logSettings,
      verifier: new TokenVerifier(() => keys),
      blobs: new FolderBlobStore(join(folder, 'blobs')),
      logger: pino({ level: 'warn' }, process.stderr),
      metrics: new Registry(),
      dataFolder: join(folder, 'role'),
      keysFolder,
    },
    token(client, grants) {
      const issuedAt = Date.now();
      return mintToken(keys, { client, grants, issuedAt, expiresAt: issuedAt + HOUR });
    },
  };
}
