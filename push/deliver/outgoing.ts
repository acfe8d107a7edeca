/**
 * What an endpoint is still to be sent, from wherever it comes: its messages (the outbox), and before them the dead letters that
 * its client wants again. Each delivery goes back to where it came from.
 */
import type { PushMode } from '../../protocol/webhook/grant.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Position } from '../machines/progress.ts';
import type { Delivery } from './delivery.ts';
import { tellGap } from './gap.ts';
import type { DeliveryOptions } from './options.ts';
import { Outbox } from './outbox.ts';
import { Replays } from './replays.ts';
import type { WorkerDependencies } from './worker-dependencies.ts';

export class Outgoing {
  readonly #endpoint: () => Endpoint;
  readonly #to: WorkerDependencies;
  readonly #options: DeliveryOptions;
  readonly #replays: Replays;
  #messages: Outbox;

  constructor(endpoint: () => Endpoint, position: Position, to: WorkerDependencies, options: DeliveryOptions) {
    this.#endpoint = endpoint;
    this.#to = to;
    this.#options = options;
    this.#messages = this.#open(position);
    this.#replays = new Replays(to.store, endpoint().key, () => endpoint().grant.mode);
  }

  /** Its messages alone. */
  get messages(): Outbox {
    return this.#messages;
  }

  /** Its messages are to be sent from another position on. Nothing is under way. */
  moveTo(position: Position): void {
    this.#messages = this.#open(position);
  }

  /** Dead letters were marked to be pushed again. */
  replay(): void {
    this.#replays.wake();
  }

  /** The next request, if there is one to be sent now. @throws what reading the journal throws: nothing is lost */
  next(mode: PushMode, now: number): Delivery | undefined {
    return this.#replays.next(now) ?? this.#messages.next(mode, now);
  }

  /** When (ms) `next` may have something without anything else happening; Infinity for never. */
  nextAt(): number {
    return Math.min(this.#messages.nextAt(), this.#replays.nextAt());
  }

  delivered(delivery: Delivery): void {
    if (delivery.letter === undefined) this.#messages.finish(delivery);
    else this.#replays.delivered(delivery);
  }

  /** To be tried again at `at`. */
  retry(delivery: Delivery, at: number): void {
    if (delivery.letter === undefined) this.#messages.retry(delivery, at);
    else this.#replays.retry(delivery, at);
  }

  /** It has been set aside as a dead letter. */
  died(delivery: Delivery): void {
    if (delivery.letter === undefined) this.#messages.finish(delivery);
    else this.#replays.died(delivery);
  }

  #open(position: Position): Outbox {
    const onGap = (after: number, until: number) => tellGap(this.#endpoint(), this.#to, after, until);
    return new Outbox(this.#to.read, position, this.#options, onGap);
  }
}
