/** Groups that read one partition through one log, each at a place of its own: none may be given what another asked for. */
import { expect, test } from 'vitest';
import { type LogBench, newGroup, PATIENCE, text } from './bench.ts';

const RECORDS = 24;

export function manyGroupsContract(bench: LogBench): void {
  test('many groups on one partition: each reads on from its own position', async () => {
    const topic = await bench.newTopic({ partitions: 1 });
    // A produce each: records of one batch are always answered together.
    for (let index = 0; index < RECORDS; index++) await bench.log.produce(topic, [text('k', String(index))]);
    const groups = Array.from({ length: RECORDS / 3 }, (_, index) => ({
      group: newGroup(),
      position: index * 3,
      read: [] as number[],
    }));
    for (const { group, position } of groups) await bench.log.commitOffsets(group, topic, new Map([[0, position]]));

    const subscriptions = await Promise.all(
      groups.map(({ group, read }) =>
        bench.log.subscribe({
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
}
