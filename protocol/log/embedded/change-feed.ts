/**
 * Notices that the log has changed, whoever changed it: writers of this process say so on a channel at once, those of
 * other processes are noticed by SQLite's data version, asked every few milliseconds while anybody listens.
 */
import { BroadcastChannel } from 'node:worker_threads';
import type { Changes } from './operations.ts';
import type { Reader } from './reader.ts';

export interface ChangeListener {
  /** A partition has grown to `end`. May be called again with the same end. */
  onEnd(slot: number, end: number): void;
  /** Topics or groups have changed. */
  onMembership(): void;
  onError(error: unknown): void;
}

export class ChangeFeed {
  readonly #reader: Reader;
  readonly #channel: BroadcastChannel;
  readonly #pollMs: number;
  readonly #listeners = new Set<ChangeListener>();
  #timer: NodeJS.Timeout | undefined;
  #dataVersion = -1;
  #versions = { topics: -1, groups: -1 };

  constructor(reader: Reader, channel: string, pollMs: number) {
    this.#reader = reader;
    this.#pollMs = pollMs;
    this.#channel = new BroadcastChannel(channel);
    this.#channel.unref();
    this.#channel.onmessage = (event: unknown) => this.#tell((event as { data: Changes }).data);
  }

  add(listener: ChangeListener): void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => this.#poll(), this.#pollMs);
  }

  delete(listener: ChangeListener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
    this.#channel.close();
  }

  #poll(): void {
    try {
      const version = this.#reader.dataVersion();
      if (version === this.#dataVersion) return;
      this.#dataVersion = version;
      const { topics, groups } = this.#reader.versions();
      this.#tell({
        ends: [...this.#reader.ends()],
        topics: topics !== this.#versions.topics,
        groups: groups !== this.#versions.groups,
      });
      this.#versions = { topics, groups };
    } catch (error) {
      for (const listener of this.#listeners) listener.onError(error);
    }
  }

  #tell({ ends, topics, groups }: Changes): void {
    for (const listener of this.#listeners) {
      if (topics || groups) listener.onMembership();
      for (const [slot, end] of ends) listener.onEnd(slot, end);
    }
  }
}
