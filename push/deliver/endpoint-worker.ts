/**
 * Pushes to one endpoint: decides when something may be sent, sends it, and draws the conclusions from the answer.
 *
 * What to send is the outbox's matter; when, that of the machines (breaker, concurrency, pace, health), which are values. This
 * file moves them along: pump → send → settled → pump. One timer wakes it where nothing else does.
 */
import type { Logger } from 'pino';
import type { Endpoint } from '../endpoint.ts';
import type { Answer } from '../machines/answer.ts';
import { admitsAt, answered, type Breaker, CLOSED, OPEN_FOR_PROBE, probeAbandoned, sent } from '../machines/breaker.ts';
import { type Concurrency, delivered, failed, startConcurrency } from '../machines/concurrency.ts';
import { afterAnswer, type Health, noticeOf, WELL } from '../machines/health.ts';
import { type Pace, paceAllows, paced, UNPACED } from '../machines/pace.ts';
import type { Position } from '../machines/progress.ts';
import { retryAt } from '../machines/retry-schedule.ts';
import type { PushMetrics } from '../metrics.ts';
import type { DeliveryStore, NewDeadLetter, SavedProgress } from '../store/delivery-store.ts';
import { type Delivery, deliveryBody } from './delivery.ts';
import type { Notice } from './notices.ts';
import type { DeliveryOptions } from './options.ts';
import { Outbox, type OutboxOptions } from './outbox.ts';
import type { ReadFrames } from './read-frames.ts';
import { Replays } from './replays.ts';
import type { Sender } from './sender.ts';
import type { SharedRoom } from './shared-room.ts';
import { type SigningKey, signedHeaders } from './signature.ts';

export interface WorkerDependencies {
  readonly epoch: string;
  readonly read: ReadFrames;
  readonly store: DeliveryStore;
  readonly openSender: (url: string) => Sender;
  readonly room: SharedRoom;
  readonly notify: (endpoint: Endpoint, notice: Notice) => void;
  /** So many messages are finished: it may be time to store how far everybody has got. */
  readonly finished: (messages: number) => void;
  readonly metrics: PushMetrics;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface EndpointStatus {
  readonly state: Health['kind'];
  readonly breaker: Breaker['kind'];
  /** Everything up to here has been pushed or set aside. */
  readonly after: number;
  readonly waiting: number;
  readonly inFlight: number;
  readonly concurrency: number;
  readonly failingSince?: number;
  readonly cause?: string;
  /** When it is tried next, ms; absent where nothing keeps it. */
  readonly nextTry?: number;
}

/** Longest that Node's timers take. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Pause after the journal could not be read. */
const READ_AGAIN_MS = 1_000;
/** Pause while the secrets of an endpoint do not open. */
const UNSIGNED_MS = 30_000;

export class EndpointWorker {
  readonly #to: WorkerDependencies;
  readonly #options: DeliveryOptions;
  readonly #replays: Replays;
  #endpoint: Endpoint;
  #keys: readonly SigningKey[] = [];
  #sender: Sender | undefined;
  #outbox: Outbox;
  #breaker: Breaker;
  #concurrency: Concurrency;
  #pace: Pace = UNPACED;
  #health: Health;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #dirty = false;
  #stopped = false;
  /** Set while a new position waits for what is under way. */
  #moving: PromiseWithResolvers<void> | undefined;

  constructor(endpoint: Endpoint, saved: SavedProgress | undefined, to: WorkerDependencies, options: DeliveryOptions) {
    this.#endpoint = endpoint;
    this.#to = to;
    this.#options = options;
    this.#health = saved?.health ?? WELL;
    this.#breaker = this.#health.kind === 'well' ? CLOSED : OPEN_FOR_PROBE;
    this.#concurrency = startConcurrency(options.concurrency);
    this.#outbox = this.#openOutbox(saved?.position ?? { scanned: -1, unfinished: [] });
    this.#replays = new Replays(to.store, endpoint.key, () => this.#endpoint.grant.mode);
  }

  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /** What the newest token says. @param keys its secrets, opened; none where they do not open: then nothing is sent */
  configure(endpoint: Endpoint, keys: readonly SigningKey[]): void {
    this.#endpoint = endpoint;
    this.#keys = keys;
    // Its client has proved anew that the URL wants to be pushed to.
    if (this.#health.kind === 'disabled' && endpoint.grant.verified > this.#health.since) this.#enable();
    this.pump();
  }

  /** Its client wants nothing pushed any more. @param at ms since the epoch */
  withdraw(at: number): void {
    if (this.#health.kind === 'disabled') return;
    this.#health = { kind: 'disabled', since: at, cause: 'withdrawn by its client' };
    this.#dirty = true;
  }

  /** Something was appended for it. */
  wake(): void {
    this.#outbox.wake();
    this.pump();
  }

  /** Dead letters were marked to be pushed again. */
  replay(): void {
    this.#replays.wake();
    this.pump();
  }

  /** Goes on after another offset, as its client asks: earlier to have it again, later to leave it out. */
  async moveTo(after: number): Promise<void> {
    this.#moving ??= Promise.withResolvers<void>();
    const { promise } = this.#moving;
    if (this.#inFlight === 0) this.#moving.resolve();
    await promise;
    this.#outbox = this.#openOutbox({ scanned: after, unfinished: [] });
    this.#moving = undefined;
    this.#dirty = true;
    this.#enable();
    this.pump();
  }

  status(): EndpointStatus {
    const { kind } = this.#health;
    const next = Math.max(admitsAt(this.#breaker), this.#pausedUntil);
    return {
      state: kind,
      breaker: this.#breaker.kind,
      after: this.#outbox.finishedUpTo,
      waiting: this.#outbox.unfinished,
      inFlight: this.#inFlight,
      concurrency: Math.floor(this.#concurrency.limit),
      ...(this.#health.kind !== 'well' && { failingSince: this.#health.since, cause: this.#health.cause }),
      ...(Number.isFinite(next) && next > this.#to.now() && { nextTry: next }),
    };
  }

  /** What is to be stored, if anything changed since the last call. */
  takeProgress(): SavedProgress | undefined {
    if (!this.#dirty) return undefined;
    this.#dirty = false;
    const { epoch } = this.#to;
    return { endpoint: this.#endpoint.key, epoch, position: this.#outbox.position(), health: this.#health };
  }

  /** It could not be stored. */
  keepProgress(): void {
    this.#dirty = true;
  }

  /** Sends nothing more, and waits for what is under way: at most `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#disarm();
    if (this.#inFlight > 0) {
      this.#moving ??= Promise.withResolvers<void>();
      const grace = Promise.withResolvers<void>();
      const timer = setTimeout(grace.resolve, graceMs);
      await Promise.race([this.#moving.promise, grace.promise]);
      clearTimeout(timer);
    }
    await this.#sender?.close();
  }

  /** Sends whatever may be sent now, and sets the timer for what may be sent later. */
  pump(): void {
    try {
      this.#arm(this.#sendAll());
    } catch (error) {
      this.#to.logger.error({ err: error, endpoint: this.#endpoint.key }, 'the push journal cannot be read');
      this.#arm(this.#to.now() + READ_AGAIN_MS);
    }
  }

  /** @returns when (ms) to look again; Infinity where only an answer or a message changes anything */
  #sendAll(): number {
    for (;;) {
      if (this.#stopped || this.#moving !== undefined || this.#health.kind === 'disabled')
        return Number.POSITIVE_INFINITY;
      // With something under way its answer is what brings us back here.
      if (this.#inFlight >= Math.floor(this.#concurrency.limit) || !this.#to.room.admits(this.#inFlight))
        return Number.POSITIVE_INFINITY;
      const now = this.#to.now();
      const { rate, mode } = this.#endpoint.grant;
      const allowed = Math.max(admitsAt(this.#breaker), this.#pausedUntil, paceAllows(this.#pace, rate));
      // With nothing to send there is no reason to wake up for it.
      if (allowed > now) return allowed;
      // One notification at a time: a second would say what the first has not been heard to say.
      if (mode === 'thin' && this.#inFlight > 0) return Number.POSITIVE_INFINITY;
      if (this.#keys.length === 0) return now + UNSIGNED_MS;
      const delivery = this.#replays.next(now) ?? this.#outbox.next(mode, now);
      if (delivery === undefined) return Math.min(this.#outbox.nextAt(), this.#replays.nextAt());
      this.#send(delivery, now);
    }
  }

  #send(delivery: Delivery, now: number): void {
    const isProbe = this.#breaker.kind === 'open';
    this.#breaker = sent(this.#breaker);
    this.#pace = paced(this.#pace, this.#endpoint.grant.rate, now);
    this.#to.room.enter(this.#inFlight);
    this.#inFlight += 1;
    const body = deliveryBody(delivery, this.#to.epoch);
    const headers = signedHeaders(delivery.id, body, now, this.#keys);
    headers['content-type'] = 'application/json';
    headers['user-agent'] = 'Sluice-Push/1';
    this.#sender ??= this.#to.openSender(this.#endpoint.grant.url);
    const began = performance.now();
    this.#sender.post(headers, body, (answer) => this.#settled(delivery, answer, isProbe, now, began));
  }

  #settled(delivery: Delivery, answer: Answer, isProbe: boolean, sentAt: number, began: number): void {
    const now = this.#to.now();
    const tookMs = performance.now() - began;
    const isDelivered = answer.kind === 'delivered';
    this.#concurrency = isDelivered
      ? delivered(this.#concurrency, tookMs, this.#inFlight, this.#options.concurrency)
      : failed(this.#concurrency, sentAt, now);
    this.#inFlight -= 1;
    this.#to.room.leave(this.#inFlight);
    this.#to.metrics.answered(answer, tookMs / 1000, isDelivered ? delivery.items.length : 0);
    const before = this.#breaker;
    // What a shutdown cuts off says nothing about the receiver.
    this.#breaker = this.#stopped
      ? probeAbandoned(before, now)
      : answered(before, isDelivered, isProbe, now, this.#to.random(), this.#options.breaker);
    if (!this.#stopped) this.#judge(answer, now);
    this.#dirty = true;
    if (isDelivered) this.#finish(delivery);
    else this.#tryAgain(delivery, answer, now);
    if (before.kind === 'half-open' && this.#breaker.kind === 'closed') this.#outbox.bringForward(now);
    if (this.#inFlight === 0) this.#moving?.resolve();
    this.pump();
  }

  #finish(delivery: Delivery): void {
    if (delivery.letter === undefined) this.#outbox.finish(delivery);
    else this.#replays.delivered(delivery);
    this.#to.finished(delivery.items.length);
  }

  #tryAgain(delivery: Delivery, answer: Exclude<Answer, { kind: 'delivered' }>, now: number): void {
    const queue = delivery.letter === undefined ? this.#outbox : this.#replays;
    if (this.#stopped || answer.kind === 'gone') {
      queue.retry(delivery, now);
      return;
    }
    if (answer.retryAfterMs !== undefined) this.#pausedUntil = Math.max(this.#pausedUntil, now + answer.retryAfterMs);
    delivery.attempts += 1;
    const at = retryAt(this.#options.retryScheduleMs, delivery.attempts, now, this.#to.random());
    if (at !== undefined) queue.retry(delivery, at);
    // Word that there is something new is not worth keeping: the next one says it as well.
    else if (delivery.mode === 'thin') this.#finish(delivery);
    else this.#bury(delivery, answer.cause, now);
  }

  #bury(delivery: Delivery, cause: string, now: number): void {
    const { client, key } = this.#endpoint;
    const { epoch, store } = this.#to;
    const letters = delivery.items.map(({ offset, messageId, type, transaction, time, frame }): NewDeadLetter => {
      const bytes = frame ?? new Uint8Array();
      const { attempts } = delivery;
      return {
        endpoint: key,
        client,
        epoch,
        offset,
        messageId,
        type,
        transaction,
        time,
        died: now,
        attempts,
        cause,
        frame: bytes,
      };
    });
    try {
      store.bury(letters);
    } catch (error) {
      // The disk will be back; until then the message is not given up.
      this.#to.logger.error({ err: error, endpoint: key }, 'a dead letter cannot be stored');
      delivery.attempts -= 1;
      (delivery.letter === undefined ? this.#outbox : this.#replays).retry(delivery, now + READ_AGAIN_MS);
      return;
    }
    this.#to.metrics.died(letters.length);
    if (delivery.letter === undefined) {
      for (const { offset, messageId, attempts } of letters)
        this.#to.notify(this.#endpoint, { kind: 'failed', offset, messageId, attempts, cause });
      this.#outbox.finish(delivery);
    } else this.#replays.died(delivery);
  }

  #judge(answer: Answer, now: number): void {
    const before = this.#health;
    this.#health = afterAnswer(before, answer, now, this.#options);
    const notice = noticeOf(before, this.#health);
    if (notice !== undefined) this.#tell(notice);
  }

  #enable(): void {
    const before = this.#health;
    this.#health = WELL;
    this.#breaker = OPEN_FOR_PROBE;
    this.#pausedUntil = Number.NEGATIVE_INFINITY;
    this.#outbox.bringForward(this.#to.now());
    this.#dirty = true;
    if (before.kind === 'parked' || before.kind === 'disabled') this.#tell('resumed');
  }

  #tell(kind: 'parked' | 'disabled' | 'resumed'): void {
    const after = this.#outbox.finishedUpTo;
    const health = this.#health;
    this.#to.logger.info(
      { client: this.#endpoint.client, endpoint: this.#endpoint.key, health, after },
      `webhook ${kind}`,
    );
    this.#dirty = true;
    if (health.kind === 'well') this.#to.notify(this.#endpoint, { kind: 'resumed', after, time: this.#to.now() });
    else if (kind !== 'resumed')
      this.#to.notify(this.#endpoint, { kind, after, since: health.since, cause: health.cause });
  }

  #openOutbox(position: Position): Outbox {
    const { maxUnfinished, batch } = this.#options;
    const options: OutboxOptions = {
      maxUnfinished,
      batchMessages: batch.messages,
      batchBytes: batch.bytes,
      batchWaitMs: batch.waitMs,
    };
    return new Outbox(this.#to.read, position, this.#endpoint.grant.mode, options);
  }

  #arm(at: number): void {
    if (at === this.#timerAt && this.#timer !== undefined) return;
    this.#disarm();
    if (at === Number.POSITIVE_INFINITY || this.#stopped) return;
    this.#timerAt = at;
    const pause = Math.min(Math.max(at - this.#to.now(), 0), MAX_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.pump();
    }, pause);
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }
}
