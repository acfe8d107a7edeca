/** What goes into one request: one message, several, or the word that there are some. */
import { derivedMessageId } from '../../protocol/message-id.ts';
import type { PushMode } from '../../protocol/webhook/grant.ts';
import type { Lane } from '../machines/lanes.ts';
import type { Tracked } from '../machines/progress.ts';

/** A message on its way to the endpoint. */
export interface Item extends Tracked {
  readonly messageId: string;
  readonly type: string;
  readonly transaction: string;
  /** RFC 3339. */
  readonly time: string;
  /** Only where its trace is recorded. */
  readonly traceparent: string | undefined;
  /** Bytes of its frame. */
  readonly size: number;
  /** undefined where it waits and is read again when its time comes. */
  frame: Buffer | undefined;
}

export interface Delivery {
  /** At least one. Those of one transaction are in order. */
  readonly items: readonly Item[];
  /** Those of its transactions, busy until it is finished. None for what goes out beside the order. */
  readonly lanes: readonly Lane<Item>[];
  readonly mode: PushMode;
  /** The webhook-id: the same for every try, and for every other request that holds the same. */
  readonly id: string;
  /** Tries that failed. */
  attempts: number;
  /** The dead letter that it is a replay of. */
  readonly letter: number | undefined;
}

export function deliveryId(mode: PushMode, items: readonly Item[]): string {
  const last = items.at(-1)!;
  if (mode === 'full') return last.messageId;
  if (mode === 'thin') return derivedMessageId(last.messageId, 'push', 'thin');
  return derivedMessageId(last.messageId, 'push', ...items.map(({ offset }) => offset));
}

const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']}');

/**
 * The body of the request. Full: the message's own frame. Batch: `{"kind":"batch","epoch":…,"messages":[…]}`. Thin:
 * `{"kind":"notification","epoch":…,"offset":…,"messages":…}`: everything up to `offset` is on the firehose.
 */
export function deliveryBody(delivery: Delivery, epoch: string): Buffer {
  const { items, mode } = delivery;
  switch (mode) {
    case 'full':
      return items[0]!.frame!;
    case 'batch': {
      const parts: Uint8Array[] = [Buffer.from(`{"kind":"batch","epoch":"${epoch}","messages":[`)];
      for (const [i, { frame }] of items.entries()) {
        if (i > 0) parts.push(COMMA);
        parts.push(frame!);
      }
      parts.push(CLOSE);
      return Buffer.concat(parts);
    }
    case 'thin': {
      const offset = items.reduce((latest, item) => Math.max(latest, item.offset), -1);
      return Buffer.from(`{"kind":"notification","epoch":"${epoch}","offset":${offset},"messages":${items.length}}`);
    }
  }
}
