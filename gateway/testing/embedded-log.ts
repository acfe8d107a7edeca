/** For tests: the real embedded log in a temporary folder, with the shared topics. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '../../protocol/log/embedded/open.ts';
import type { Log, LogRecord } from '../../protocol/log/log.ts';
import { readToEnd } from '../../protocol/log/read-to-end.ts';
import { topicDefinitions } from '../../protocol/log/topics.ts';

const HOUR = 3_600_000;

export interface TestLog {
  readonly log: Log;
  /** Every record of a topic, in order within its partition. */
  records(topic: string): Promise<LogRecord[]>;
  /** Closes the log and opens it again from its files. */
  reopen(): Promise<void>;
  remove(): Promise<void>;
}

export async function openTestLog(): Promise<TestLog> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-log-'));
  const open = () => openEmbeddedLog({ folder });
  let log = await open();
  await log.createTopics(
    topicDefinitions({
      partitions: 4,
      replication: 1,
      resultsRetentionMs: HOUR,
      ingestRetentionMs: HOUR,
      maxImageMessageBytes: 17 << 20,
    }),
  );
  return {
    get log() {
      return log;
    },
    async records(topic) {
      const records: LogRecord[] = [];
      await readToEnd(log, topic, (record) => records.push(record));
      return records;
    },
    async reopen() {
      await log.close();
      log = await open();
    },
    async remove() {
      await log.close();
      await rm(folder, { recursive: true });
    },
  };
}
