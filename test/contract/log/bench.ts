/** What every part of the log's contract works with: a log, and topics and groups of its own, so that one broker serves all of them. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Batch, Log, LogRecord, ProduceRecord, TopicDefinition } from '../../../protocol/log/log.ts';
import { openLog } from '../../../protocol/log/open.ts';
import { partitionOf } from '../../../protocol/log/partitioner.ts';
import type { LogSettings } from '../../../protocol/log/settings.ts';

export const PATIENCE = { timeout: 60_000, interval: 20 };
export const KIB = 1024;

export class LogBench {
  readonly settings: () => Promise<LogSettings>;
  #log: Log | undefined;

  /** Opens a log before the tests of the surrounding suite, and closes it after them. */
  constructor(settings: () => Promise<LogSettings>) {
    this.settings = settings;
    beforeAll(async () => {
      this.#log = await this.open();
    });
    afterAll(() => this.#log?.close());
  }

  get log(): Log {
    return this.#log!;
  }

  /** Another one, for the test to close. */
  async open(): Promise<Log> {
    return openLog(await this.settings());
  }

  async newTopic(changes: Partial<TopicDefinition> = {}): Promise<string> {
    const topic = definition(changes);
    await this.log.createTopics([topic]);
    return topic.name;
  }

  /** Reads all that a topic holds now, by following it from the earliest to the end. */
  async contents(topic: string): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    const ends = new Map<number, number>();
    const from = new Map<number, number>();
    for (const { partition, earliest, end } of await this.log.watermarks(topic)) {
      if (earliest === end) continue;
      ends.set(partition, end);
      from.set(partition, earliest);
    }
    const onBatch = async (batch: Batch) => {
      records.push(...batch.records);
      if (batch.records.at(-1)!.offset + 1 >= ends.get(batch.partition)!) ends.delete(batch.partition);
    };
    const following = await this.log.follow({ topic, from, onBatch });
    await expect.poll(() => ends.size, PATIENCE).toBe(0);
    await following.close();
    return records;
  }
}

export function definition(changes: Partial<TopicDefinition>): TopicDefinition {
  return {
    name: `topic-${randomUUID()}`,
    partitions: 2,
    kind: 'events',
    retentionMs: 3_600_000,
    retentionBytes: undefined,
    maxMessageBytes: KIB * KIB,
    replication: 1,
    owner: 'test',
    ...changes,
  };
}

export function newGroup(): string {
  return `group-${randomUUID()}`;
}

export function text(key: string, value: string | number = key): ProduceRecord {
  return { key, value: Buffer.from(String(value)) };
}

/** A key that lies in the given partition. */
export function keyOf(partition: number, partitions: number): string {
  for (let n = 0; ; n++) if (partitionOf(`key-${n}`, partitions) === partition) return `key-${n}`;
}

export function offsetsOf(records: readonly { partition: number; offset: number }[], partition: number): number[] {
  return records.filter((record) => record.partition === partition).map(({ offset }) => offset);
}

export function expectGrowing(offsets: readonly number[]): void {
  expect(offsets).toEqual([...new Set(offsets)].toSorted((a, b) => a - b));
}
