/** For unit tests: a log that only notes what is produced to it, or refuses, and holds nothing to read. */
import type { Log, ProduceRecord } from '../../protocol/log/log.ts';

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
      await log.beforeProduce(topic);
      log.produced.push({ topic, records });
      return records.map((_record, offset) => ({ partition: 0, offset }));
    },
    watermarks: async () => [],
    describeTopic: async () => ({ epoch: 'e' }),
    follow: async () => ({ close: async () => {}, ended: new Promise<void>(() => {}) }),
  };
  return log as unknown as ProducingLog;
}
