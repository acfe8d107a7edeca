/** Renews the leases of all consumer group members of one opened log, together. */
import type { WriterClient } from './writer-client.ts';

export interface HeartbeatListener {
  /** Time to look whether anything is left to do; called at every beat. */
  onBeat(): void;
  /** The member's lease had run out, and others have its partitions. */
  onEvicted(): void;
  onError(error: unknown): void;
}

export class Heartbeats {
  readonly #writer: WriterClient;
  readonly #clock: () => number;
  readonly #intervalMs: number;
  readonly #members = new Map<string, HeartbeatListener>();
  #timer: NodeJS.Timeout | undefined;
  #beating = false;

  /** @param leaseMs how long a member lives without a beat */
  constructor(writer: WriterClient, clock: () => number, leaseMs: number) {
    this.#writer = writer;
    this.#clock = clock;
    // Several beats may fail or come late before the lease runs out; and no member is dead for long before someone looks.
    this.#intervalMs = Math.min(leaseMs / 5, 1000);
  }

  add(member: string, listener: HeartbeatListener): void {
    this.#members.set(member, listener);
    this.#timer ??= setInterval(() => void this.#beat(), this.#intervalMs);
  }

  delete(member: string): void {
    this.#members.delete(member);
    if (this.#members.size === 0) this.close();
  }

  close(): void {
    this.#members.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #beat(): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    try {
      const evicted = await this.#writer.call('heartbeat', { members: [...this.#members.keys()], now: this.#clock() });
      for (const member of evicted) this.#members.get(member)?.onEvicted();
      for (const listener of this.#members.values()) listener.onBeat();
    } catch (error) {
      for (const listener of this.#members.values()) listener.onError(error);
    } finally {
      this.#beating = false;
    }
  }
}
