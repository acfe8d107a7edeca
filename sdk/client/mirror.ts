/**
 * Copies a firehose to somewhere of the consumer's own, with its position stored beside the copy: resumed after a crash it
 * neither loses nor repeats what the target keeps together.
 */
import type { Client } from './client.ts';
import type { FirehoseOptions } from './firehose.ts';
import type { Message } from './frames.ts';

export interface MirrorPosition {
  readonly epoch: string;
  readonly offset: number;
}

export interface MirrorTarget {
  /** Where the copy ends; undefined where it is empty. */
  position(): Promise<MirrorPosition | undefined>;
  /** Adds messages and moves the position, both or neither. */
  append(messages: readonly Message[], position: MirrorPosition): Promise<void>;
}

export interface MirrorOptions extends Omit<FirehoseOptions, 'from'> {
  /** Where to begin with an empty target. Default 'earliest'. */
  readonly from?: FirehoseOptions['from'];
  /** Most messages appended at once. Default 500. */
  readonly batch?: number;
  /** Longest time that a message waits for its batch, ms. Default 200. */
  readonly waitMs?: number;
}

/** Runs until the stream ends or the signal is aborted. @returns how many messages were copied */
export async function mirror(client: Client, target: MirrorTarget, options: MirrorOptions = {}): Promise<number> {
  const { batch = 500, waitMs = 200, onEvent, ...stream } = options;
  const known = await target.position();
  let epoch = known?.epoch ?? '';
  let waiting: Message[] = [];
  let since = 0;
  let copied = 0;
  const write = async () => {
    const messages = waiting;
    waiting = [];
    if (messages.length === 0) return;
    await target.append(messages, { epoch, offset: messages.at(-1)!.offset });
    copied += messages.length;
  };
  const messages = client.firehose({
    ...stream,
    from: known ?? options.from ?? 'earliest',
    onEvent(event) {
      if (event.kind === 'connected') epoch = event.hello.epoch;
      onEvent?.(event);
    },
  });
  let next = messages.next();
  for (;;) {
    const result = waiting.length === 0 ? await next : await Promise.race([next, elapsed(since + waitMs - Date.now())]);
    if (result === 'elapsed') {
      await write();
      continue;
    }
    if (result.done) break;
    if (waiting.length === 0) since = Date.now();
    waiting.push(result.value);
    if (waiting.length >= batch) await write();
    next = messages.next();
  }
  await write();
  return copied;
}

function elapsed(ms: number): Promise<'elapsed'> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms), 'elapsed'));
}
