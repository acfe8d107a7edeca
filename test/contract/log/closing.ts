/** Closing a log. */
import { describe, expect, test } from 'vitest';
import { LogUnavailableError } from '../../../protocol/log/errors.ts';
import { type LogBench, newGroup, text } from './bench.ts';

export function closingContract(bench: LogBench): void {
  describe('closing', () => {
    test('ends every subscription, twice does nothing, and then the log is unavailable', async () => {
      const topic = await bench.newTopic();
      const short = await bench.open();
      const following = await short.follow({ topic, from: new Map([[0, 0]]), onBatch: async () => {} });
      const member = await short.subscribe({ group: newGroup(), topics: [topic], onBatch: async () => {} });
      await short.close();
      await Promise.all([following.ended, member.ended, short.close()]);
      await expect(short.produce(topic, [text('k')])).rejects.toThrow(LogUnavailableError);
      await expect(short.watermarks(topic)).rejects.toThrow(LogUnavailableError);
    });
  });
}
