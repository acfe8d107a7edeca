/** Groups that read one partition through one log, each at a place of its own: none may be given what another asked for. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Log } from '../../protocol/log/log.ts';
import { openLog } from '../../protocol/log/open.ts';
import type { LogSettings } from '../../protocol/log/settings.ts';

const PATIENCE = { timeout: 25_000, interval: 20 };
const RECORDS = 24;

/** @param settings of a log that is there when the tests run */
export function manyGroupsContract(name: string, settings: () => Promise<LogSettings>): void {
  describe(`${name}: many groups of one process on one partition`, { timeout: 60_000 }, () => {
    let log: Log;
    beforeAll(async () => {
      log = await openLog(await settings());
    });
    afterAll(() => log.close());

    test('each reads on from its own position', async () => {
      const topic = `many-groups-${randomUUID()}`;
      await log.createTopics([
        {
          name: topic,
          partitions: 1,
          kind: 'events',
          retentionMs: undefined,
          retentionBytes: undefined,
          maxMessageBytes: 1 << 20,
          replication: 1,
          owner: 'test',
        },
      ]);
      // A produce each: records of one batch are always answered together.
      for (let index = 0; index < RECORDS; index++)
        await log.produce(topic, [{ key: 'k', value: Buffer.from(String(index)) }]);
      const groups = Array.from({ length: RECORDS / 3 }, (_, index) => ({
        group: `${topic}-${index}`,
        position: index * 3,
        read: [] as number[],
      }));
      for (const { group, position } of groups) await log.commitOffsets(group, topic, new Map([[0, position]]));

      const subscriptions = await Promise.all(
        groups.map(({ group, read }) =>
          log.subscribe({
            group,
            topics: [topic],
            maxBatchRecords: 2,
            onBatch: async ({ records }) => void read.push(...records.map(({ offset }) => offset)),
          }),
        ),
      );
      await expect.poll(() => groups.every(({ read }) => read.at(-1) === RECORDS - 1), PATIENCE).toBe(true);
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
      for (const { position, read } of groups)
        expect(read).toEqual(Array.from({ length: RECORDS - position }, (_, index) => position + index));
    });
  });
}
