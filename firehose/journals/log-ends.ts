/** Where the partitions of results-1 end in the log. Those who ask for the same moment share one answer. */
import type { Log, Watermarks } from '../../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';

export class LogEnds {
  readonly #log: Pick<Log, 'watermarks'>;
  readonly #now: () => number;
  #asked: { readonly at: number; readonly watermarks: Promise<readonly Watermarks[]> } | undefined;

  /** @param now milliseconds since the epoch */
  constructor(log: Pick<Log, 'watermarks'>, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /**
   * Offset that the next record of a partition was to get at some moment after `since` (ms since the epoch); 0 for a
   * partition that the log does not know. Rejects while the log is away.
   */
  async after(since: number, partition: number): Promise<number> {
    const watermarks = await this.#watermarks(since);
    return watermarks.find((mark) => mark.partition === partition)?.end ?? 0;
  }

  #watermarks(since: number): Promise<readonly Watermarks[]> {
    if (this.#asked === undefined || this.#asked.at <= since) {
      const asked = { at: this.#now(), watermarks: this.#log.watermarks(RESULTS_TOPIC) };
      this.#asked = asked;
      asked.watermarks.catch(() => {
        if (this.#asked === asked) this.#asked = undefined;
      });
    }
    return this.#asked.watermarks;
  }
}
