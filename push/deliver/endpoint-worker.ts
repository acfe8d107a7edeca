/**
 * Pushes to one endpoint: sends what there is while the gate is open, and draws the conclusions from the answers.
 *
 * What to send is Outgoing's matter, when is the gate's, and what the client is told the standing's. This file moves them
 * along: pump → send → settled → pump. One timer wakes it where nothing else does.
 */
import type { Endpoint } from '../endpoint.ts';
import type { Answer } from '../machines/answer.ts';
import { type Health, WELL } from '../machines/health.ts';
import { retryAt } from '../machines/retry-schedule.ts';
import type { SavedProgress } from '../store/delivery-store.ts';
import { bury } from './burial.ts';
import { type Delivery, deliveryBody } from './delivery.ts';
import { recordDelivery } from './delivery-spans.ts';
import { tellGap } from './gap.ts';
import { Gate, type GateStatus, type Passage } from './gate.ts';
import type { DeliveryOptions } from './options.ts';
import { Outgoing } from './outgoing.ts';
import type { Sender } from './sender.ts';
import { type SigningKey, signedHeaders } from './signature.ts';
import { Standing } from './standing.ts';
import { WakeTimer } from './wake-timer.ts';
import type { WorkerDependencies } from './worker-dependencies.ts';

export interface EndpointStatus extends GateStatus {
  readonly state: Health['kind'];
  /** Everything up to here has been pushed or set aside. */
  readonly after: number;
  readonly waiting: number;
  readonly failingSince?: number;
  readonly cause?: string;
}

/** Pause after the journal could not be read. */
const READ_AGAIN_MS = 1_000;
/** Pause while the secrets of an endpoint do not open. */
const UNSIGNED_MS = 30_000;

export class EndpointWorker {
  readonly #to: WorkerDependencies;
  readonly #options: DeliveryOptions;
  readonly #outgoing: Outgoing;
  readonly #gate: Gate;
  readonly #standing: Standing;
  readonly #timer = new WakeTimer(() => this.pump());
  #endpoint: Endpoint;
  #keys: readonly SigningKey[] = [];
  #sender: Sender | undefined;
  #dirty = false;
  #stopped = false;

  constructor(endpoint: Endpoint, saved: SavedProgress | undefined, to: WorkerDependencies, options: DeliveryOptions) {
    this.#endpoint = endpoint;
    this.#to = to;
    this.#options = options;
    const health = saved?.health ?? WELL;
    this.#standing = new Standing(health, { notify: to.notify, logger: to.logger, options });
    this.#gate = new Gate(options, to.room, health.kind === 'well');
    const position = saved?.position ?? { scanned: -1, unfinished: [] };
    this.#outgoing = new Outgoing(() => this.#endpoint, position, to, options);
  }

  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /** What the newest token says. @param keys its secrets, opened; none where they do not open: then nothing is sent */
  configure(endpoint: Endpoint, keys: readonly SigningKey[]): void {
    this.#endpoint = endpoint;
    this.#keys = keys;
    const { health } = this.#standing;
    // Its client has proved anew that the URL wants to be pushed to.
    if (health.kind === 'disabled' && endpoint.grant.verified > health.since) this.#recover();
    this.pump();
  }

  /** Its client wants nothing pushed any more. @param at ms since the epoch */
  withdraw(at: number): void {
    this.#standing.withdraw(at);
    this.#dirty = true;
  }

  /** Something was appended for it. */
  wake(): void {
    this.#outgoing.messages.wake();
    this.pump();
  }

  /** What lay past `after`, up to `until`, was retired before it was journaled. */
  missed(after: number, until: number): void {
    tellGap(this.#endpoint, this.#to, Math.max(after, this.#outgoing.messages.scanned), until);
  }

  /** Dead letters were marked to be pushed again. */
  replay(): void {
    this.#outgoing.replay();
    this.pump();
  }

  /** Goes on after another offset, as its client asks: earlier to have it again, later to leave it out. */
  async moveTo(after: number): Promise<void> {
    // Again where another move at the same time came first and sends from its position already.
    do await this.#gate.drain();
    while (this.#gate.inFlight > 0);
    this.#outgoing.moveTo({ scanned: after, unfinished: [] });
    this.#gate.admitAgain();
    this.#dirty = true;
    this.#recover();
    this.pump();
  }

  status(): EndpointStatus {
    const { health } = this.#standing;
    return {
      ...this.#gate.status(this.#to.now()),
      state: health.kind,
      after: this.#outgoing.messages.finishedUpTo,
      waiting: this.#outgoing.messages.unfinished,
      ...(health.kind !== 'well' && { failingSince: health.since, cause: health.cause }),
    };
  }

  /** What of it counts against bounds. */
  load(): { readonly heldBytes: number; readonly isFull: boolean } {
    return { heldBytes: this.#outgoing.messages.heldBytes, isFull: this.#outgoing.messages.isFull };
  }

  /** What is to be stored, if anything changed since the last call. */
  takeProgress(): SavedProgress | undefined {
    if (!this.#dirty) return undefined;
    this.#dirty = false;
    const { epoch } = this.#to;
    const { health } = this.#standing;
    return { endpoint: this.#endpoint.key, epoch, position: this.#outgoing.messages.position(), health };
  }

  /** It could not be stored. */
  keepProgress(): void {
    this.#dirty = true;
  }

  /** Sends nothing more, and waits for what is under way: at most `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#timer.clear();
    if (this.#gate.inFlight > 0) {
      const grace = Promise.withResolvers<void>();
      const timer = setTimeout(grace.resolve, graceMs);
      await Promise.race([this.#gate.drain(), grace.promise]);
      clearTimeout(timer);
    }
    await this.#sender?.close();
  }

  /** Sends whatever may be sent now, and sets the timer for what may be sent later. */
  pump(): void {
    let at: number;
    try {
      at = this.#sendAll();
    } catch (error) {
      this.#to.logger.error({ err: error, endpoint: this.#endpoint.key }, 'the push journal cannot be read');
      at = this.#to.now() + READ_AGAIN_MS;
    }
    if (!this.#stopped) this.#timer.set(at, this.#to.now());
  }

  /** @returns when (ms) to look again; Infinity where only an answer or a message changes anything */
  #sendAll(): number {
    for (;;) {
      if (this.#stopped || this.#standing.health.kind === 'disabled') return Number.POSITIVE_INFINITY;
      const now = this.#to.now();
      const { rate, mode } = this.#endpoint.grant;
      const opensAt = this.#gate.opensAt(rate);
      if (opensAt > now) return opensAt;
      // One notification at a time: a second would say what the first has not been heard to say.
      if (mode === 'thin' && this.#gate.inFlight > 0) return Number.POSITIVE_INFINITY;
      if (this.#keys.length === 0) return now + UNSIGNED_MS;
      const delivery = this.#outgoing.next(mode, now);
      if (delivery === undefined) return this.#outgoing.nextAt();
      this.#send(delivery, now);
    }
  }

  #send(delivery: Delivery, now: number): void {
    const passage = this.#gate.enter(this.#endpoint.grant.rate, now);
    const body = deliveryBody(delivery, this.#to.epoch);
    const headers = signedHeaders(delivery.id, body, now, this.#keys);
    headers.push('content-type', 'application/json', 'user-agent', 'Sluice-Push/1');
    this.#sender ??= this.#to.openSender(this.#endpoint.grant.url);
    const began = performance.now();
    this.#sender.post(headers, body, (answer) => this.#settled(delivery, answer, passage, performance.now() - began));
  }

  #settled(delivery: Delivery, answer: Answer, passage: Passage, tookMs: number): void {
    const now = this.#to.now();
    this.#to.metrics.answered(answer, tookMs / 1000, answer.kind === 'delivered' ? delivery.items.length : 0);
    recordDelivery(delivery, answer, passage.sentAt, now);
    let isBack = false;
    if (this.#stopped) this.#gate.abandon(now);
    else {
      isBack = this.#gate.leave(passage, answer, tookMs, now, this.#to.random());
      this.#standing.judge(answer, this.#endpoint, () => this.#outgoing.messages.finishedUpTo, now);
    }
    this.#dirty = true;
    if (answer.kind === 'delivered') this.#finish(delivery);
    else this.#tryAgain(delivery, answer, now);
    if (isBack) this.#outgoing.messages.bringForward(now);
    this.pump();
  }

  #finish(delivery: Delivery): void {
    this.#outgoing.delivered(delivery);
    this.#to.finished(delivery.items.length);
  }

  #tryAgain(delivery: Delivery, answer: Exclude<Answer, { kind: 'delivered' }>, now: number): void {
    if (this.#stopped || answer.kind === 'gone') {
      this.#outgoing.retry(delivery, now);
      return;
    }
    delivery.attempts += 1;
    const at = retryAt(this.#options.retryScheduleMs, delivery.attempts, now, this.#to.random());
    if (at !== undefined) this.#outgoing.retry(delivery, at);
    // Word that there is something new is not worth keeping: the next one says it as well.
    else if (delivery.mode === 'thin') this.#finish(delivery);
    else this.#bury(delivery, answer.cause, now);
  }

  #bury(delivery: Delivery, cause: string, now: number): void {
    if (bury(delivery, this.#endpoint, this.#to, cause, now)) {
      this.#outgoing.died(delivery);
      return;
    }
    // The disk will be back; until then the message is not given up.
    delivery.attempts -= 1;
    this.#outgoing.retry(delivery, now + READ_AGAIN_MS);
  }

  /** Its client says that the endpoint is there, or is to go on. */
  #recover(): void {
    const now = this.#to.now();
    this.#gate.reopen();
    this.#outgoing.messages.bringForward(now);
    this.#dirty = true;
    this.#standing.recover(this.#endpoint, () => this.#outgoing.messages.finishedUpTo, now);
  }
}
