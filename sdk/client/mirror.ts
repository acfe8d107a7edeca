/**
 * Copies a firehose to somewhere of the consumer's own, with its position stored beside the copy: resumed after a crash it
 * neither loses nor repeats what the target keeps together.
 */
import type { Message } from '../../protocol/frames.ts';
import type { Client } from './client.ts';
import type { FirehoseEvent, FirehoseFrom, FirehoseOptions } from './firehose.ts';

export interface MirrorPosition {
  readonly epoch: string;
  /** Everything up to here is in the copy, or was not wanted in it. */
  readonly offset: number;
}

export interface MirroredMessage {
  readonly message: Message;
  /** The message as one line of JSON, without the line's end. */
  readonly json: string;
}

export interface MirrorTarget {
  /** Where the copy ends; undefined where it is empty. */
  position(): Promise<MirrorPosition | undefined>;
  /**
   * Adds messages and moves the position, both or neither.
   * @param messages in order; none where a filter has dropped what lies before the position
   */
  append(messages: readonly MirroredMessage[], position: MirrorPosition): Promise<void>;
}

export interface MirrorOptions extends Omit<FirehoseOptions, 'from'> {
  /** Where to begin with an empty target. Default 'earliest'. */
  readonly from?: Exclude<FirehoseFrom, { consumer: string }>;
  /** Most messages appended at once. Default 500. */
  readonly batch?: number;
  /** Characters of JSON after which a batch is appended. Default 4 Mi. */
  readonly batchCharacters?: number;
  /** Longest time that a message waits for its batch, ms. Default 200. */
  readonly waitMs?: number;
  /** How often the position is moved past messages that a filter drops, ms. Default 10,000. */
  readonly positionMs?: number;
}

/**
 * Runs until the stream ends or the signal is aborted. @returns how many messages were copied
 * @throws what the firehose throws, and what the target does
 */
export async function mirror(client: Client, target: MirrorTarget, options: MirrorOptions = {}): Promise<number> {
  const { from = 'earliest', batch, batchCharacters, waitMs, positionMs, onEvent, signal, ...stream } = options;
  const known = await target.position();
  const copy = new Copy(target, known, options);
  const over = new AbortController();
  const messages = client.firehose({
    ...stream,
    from: known ?? from,
    signal: signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]),
    onEvent(event) {
      copy.hears(event);
      onEvent?.(event);
    },
  });
  let next = messages.next();
  try {
    for (;;) {
      const result = await Promise.race([next, copy.due]);
      if (result === 'due') await copy.write();
      else if (result.done) break;
      else {
        copy.add(result.value);
        if (copy.full) await copy.write();
        next = messages.next();
      }
    }
    await copy.write();
    return copy.copied;
  } finally {
    over.abort();
    copy.end();
    await next.catch(() => {});
  }
}

/** What waits to be appended, and when it is due. */
class Copy {
  readonly #target: MirrorTarget;
  readonly #limits: { batch: number; characters: number; waitMs: number; positionMs: number };
  #epoch: string;
  /** What the target has. */
  #written: number;
  /** What it will have after the next write. */
  #reached: number;
  #waiting: MirroredMessage[] = [];
  #characters = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #call: () => void = () => {};
  copied = 0;
  /** Resolves when a write is due although the batch is not full. */
  due: Promise<'due'> = Promise.resolve('due');

  constructor(target: MirrorTarget, known: MirrorPosition | undefined, options: MirrorOptions) {
    const { batch = 500, batchCharacters = 4 << 20, waitMs = 200, positionMs = 10_000 } = options;
    this.#limits = { batch, characters: batchCharacters, waitMs, positionMs };
    this.#target = target;
    this.#epoch = known?.epoch ?? '';
    this.#written = known?.offset ?? Number.NEGATIVE_INFINITY;
    this.#reached = this.#written;
    this.#rest();
  }

  get full(): boolean {
    return this.#waiting.length >= this.#limits.batch || this.#characters >= this.#limits.characters;
  }

  add(message: Message): void {
    const json = JSON.stringify(message);
    this.#waiting.push({ message, json });
    this.#characters += json.length;
    this.#reached = message.offset;
    if (this.#waiting.length === 1) this.#schedule(this.#limits.waitMs);
  }

  hears(event: FirehoseEvent): void {
    if (event.kind === 'connected') this.#epoch = event.hello.epoch;
    // Every message before the bookmark has been added: frames are handed out in order, each after the one before was taken.
    if (event.kind === 'progress' && event.bookmark.offset > this.#reached) {
      this.#reached = event.bookmark.offset;
      if (this.#timer === undefined) this.#schedule(this.#limits.positionMs);
    }
  }

  async write(): Promise<void> {
    const messages = this.#waiting;
    this.#waiting = [];
    this.#characters = 0;
    this.#rest();
    if (this.#reached <= this.#written) return;
    const offset = this.#reached;
    await this.#target.append(messages, { epoch: this.#epoch, offset });
    this.#written = offset;
    this.copied += messages.length;
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#call, ms);
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.due = new Promise((resolve) => {
      this.#call = () => resolve('due');
    });
  }
}
