/** For unit tests: a log that only notes what is produced to it, or refuses, and holds nothing to read. */
import type { Log, ProduceRecord } from '../../protocol/log/log.ts';
import { CAPACITY_TOPIC } from '../../protocol/log/topics.ts';

export interface ProducingLog extends Log {
  readonly produced: { readonly topic: string; readonly records: readonly ProduceRecord[] }[];
  /** Called before each produce is noted: throw to refuse it, wait to delay it. */
  beforeProduce: (topic: string) => Promise<void>;
}

export function producingLog(): ProducingLog {
  const log = {
    produced: [] as ProducingLog['produced'],
    beforeProduce: async (_topic: string) => {},
    async produce(topic: string, records: readonly ProduceRecord[]) {
      // The gateway asks now and then whether the log is there; that is not what these tests are about.
      if (topic !== CAPACITY_TOPIC) {
        await log.beforeProduce(topic);
        log.produced.push({ topic, records });
      }
      return records.map((_record, offset) => ({ partition: 0, offset }));
    },
    watermarks: async () => [],
    describeTopic: async () => ({ epoch: 'e' }),
    follow: async () => ({ close: async () => {}, ended: new Promise<void>(() => {}) }),
  };
  return log as unknown as ProducingLog;
}
