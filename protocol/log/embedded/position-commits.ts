/**
 * Stores how far a member has consumed its partitions: the newest position of each, as often as the writer takes them.
 *
 * One commit is on its way at a time; positions that advance meanwhile go with the next. A failed one is kept and goes with the next
 * call.
 */
import type { WriterClient } from './writer-client.ts';

interface Progress {
  readonly lease: number;
  readonly offset: number;
}

export interface PositionCommitsOptions {
  readonly group: string;
  readonly writer: WriterClient;
  /** These partitions have passed to someone else. */
  readonly onFenced: (slots: readonly number[]) => void;
  readonly onError: (error: unknown) => void;
}

export class PositionCommits {
  readonly #options: PositionCommitsOptions;
  #progress = new Map<number, Progress>();
  #running: Promise<void> | undefined;

  constructor(options: PositionCommitsOptions) {
    this.#options = options;
  }

  advance(slot: number, lease: number, offset: number): void {
    this.#progress.set(slot, { lease, offset });
    void this.flush();
  }

  /** Resolves when everything so far is stored, or could not be. */
  flush(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const { group, writer, onFenced, onError } = this.#options;
    while (this.#progress.size > 0) {
      const taken = this.#progress;
      this.#progress = new Map();
      const positions = [...taken].map(([slot, { lease, offset }]) => ({ slot, lease, offset }));
      try {
        const fenced = await writer.call('commit', { group, positions });
        if (fenced.length > 0) onFenced(fenced);
      } catch (error) {
        this.#progress = new Map([...taken, ...this.#progress]);
        onError(error);
        return;
      }
    }
  }
}
