/**
 * Tells a client on its own firehose what became of its webhook: parked, resumed, disabled, a message given up, a gap.
 *
 * A notice is an event on results-1 like any other, with the token that opted in. Its id follows from what happened, so one
 * that is told again after a crash is the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageType } from '@protobuf-ts/runtime';
import type { Logger } from 'pino';
import { packEvent } from '../../protocol/envelope.ts';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import {
  DeliveryFailed,
  WebhookDisabled,
  WebhookGap,
  WebhookParked,
  WebhookResumed,
} from '../../protocol/generated/push/v1m0/push_pb.js';
import type { Log, ProduceRecord } from '../../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { derivedMessageId, newMessageId } from '../../protocol/message-id.ts';
import type { Endpoint } from '../endpoint.ts';

export type Notice =
  | { readonly kind: 'parked' | 'disabled'; readonly after: number; readonly since: number; readonly cause: string }
  | { readonly kind: 'resumed'; readonly after: number; readonly time: number }
  /** What lay between these offsets, the second included, was retired before it could be pushed. */
  | { readonly kind: 'gap'; readonly after: number; readonly until: number }
  | {
      readonly kind: 'failed';
      readonly offset: number;
      readonly messageId: string;
      readonly attempts: number;
      readonly cause: string;
    };

/** The transaction of notices. No client can open one with a colon in its name. */
export const WEBHOOK_TRANSACTION = 'sluice:webhook';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A log that stays away must not fill the memory: beyond this the oldest is dropped, with a word in our own log. */
const MAX_WAITING = 10_000;

export class Notices {
  readonly #log: Log;
  readonly #epoch: () => string;
  readonly #now: () => number;
  readonly #logger: Logger;
  readonly #onDrop: () => void;
  readonly #waiting: ProduceRecord[] = [];
  #sending: Promise<void> | undefined;
  readonly #stop = new AbortController();

  constructor(log: Log, epoch: () => string, now: () => number, logger: Logger, onDrop: () => void) {
    this.#log = log;
    this.#epoch = epoch;
    this.#now = now;
    this.#logger = logger;
    this.#onDrop = onDrop;
  }

  /** How many the log has not taken yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  tell(endpoint: Endpoint, notice: Notice): void {
    this.#waiting.push(noticeRecord(endpoint, notice, this.#epoch(), this.#now()));
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.#onDrop();
      this.#logger.error('a notice about a webhook is dropped: the log does not take any');
    }
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Sends what waits if the log takes it now. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#sending;
  }

  async #send(): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; this.#waiting.length > 0; ) {
      const batch = this.#waiting.slice(0, 100);
      try {
        await this.#log.produce(RESULTS_TOPIC, batch);
        this.#waiting.splice(0, batch.length);
        pause = FIRST_PAUSE_MS;
      } catch (error) {
        this.#logger.warn({ err: error, pause }, 'a notice about a webhook cannot be sent yet');
        if (this.#stop.signal.aborted) return;
        await sleep(pause, undefined, { signal: this.#stop.signal }).catch(() => {});
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
    }
  }
}

/** @param now ms since the epoch */
export function noticeRecord(endpoint: Endpoint, notice: Notice, epoch: string, now: number): ProduceRecord {
  const { client, token, key } = endpoint;
  const { url } = endpoint.grant;
  const event = <T extends object>(cause: string, type: MessageType<T>, message: T): ProduceRecord => ({
    key: client,
    value: packEvent(
      { correlationId: WEBHOOK_TRANSACTION, client, token, traceparent: '' },
      { messageId: derivedMessageId(cause, 'push', key, notice.kind), eventTime: now, type, message },
    ),
  });
  switch (notice.kind) {
    case 'parked':
    case 'disabled': {
      const after = { epoch, offset: notice.after };
      const failingSince = Timestamp.fromDate(new Date(notice.since));
      const type = notice.kind === 'parked' ? WebhookParked : WebhookDisabled;
      return event(moment(notice.since), type, { url, after, cause: notice.cause, failingSince });
    }
    case 'resumed':
      return event(moment(notice.time), WebhookResumed, { url, after: { epoch, offset: notice.after } });
    case 'gap': {
      const [after, until] = [notice.after, notice.until].map((offset) => ({ epoch, offset }));
      // Told again at every start until something follows the gap: the same.
      const cause = derivedMessageId(moment(0), epoch, notice.after, notice.until);
      return event(cause, WebhookGap, { url, after: after!, until: until! });
    }
    case 'failed': {
      const { offset, messageId, attempts, cause } = notice;
      return event(messageId, DeliveryFailed, { url, at: { epoch, offset }, messageId, cause, attempts });
    }
  }
}

/** The id of a moment: nothing in it is random. */
function moment(time: number): string {
  return newMessageId(time, Buffer.alloc(10));
}
