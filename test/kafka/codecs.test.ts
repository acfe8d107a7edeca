/**
 * What other producers compressed is read, whichever codec they chose.
 *
 * The batches are written by Kafka's own Java codecs: a topic's compression.type makes the broker compress what it is given.
 */
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, test } from 'vitest';
import { openKafkaLog } from '../../protocol/log/kafka/open.ts';
import { readToEnd } from '../../protocol/log/read-to-end.ts';
import { sharedKafka } from './shared-kafka.ts';

describe.skipIf(!inject('kafkaIsHere'))('records that a Java codec compressed', { timeout: 180_000 }, () => {
  test.each(['gzip', 'snappy', 'lz4', 'zstd'])('%s', async (codec) => {
    const settings = await sharedKafka();
    const topic = `codec-${codec}-${Date.now()}`;
    const admin = new Kafka({ brokers: settings.brokers, logLevel: logLevel.ERROR }).admin();
    await admin.connect();
    const configEntries = [{ name: 'compression.type', value: codec }];
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] });
    await admin.disconnect();

    const log = await openKafkaLog({ ...settings, compression: 'none' });
    const values = Array.from({ length: 500 }, (_, n) => `${n} ${'an envelope '.repeat(n % 50)}`);
    await log.produce(
      topic,
      values.map((value) => ({ key: 'k', value: Buffer.from(value) })),
    );
    const read: string[] = [];
    await readToEnd(log, topic, ({ value }) => read.push(String(value)));
    await log.close();
    expect(read).toEqual(values);
  });
});
