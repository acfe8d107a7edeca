/**
 * Judges a deployment from a client's side: what was accepted and what the client's firehose then said.
 *
 * It takes what a client sees, in the order in which it sees it, and finds: messages lost (a `prev` that does not name the
 * message before), out of order, repeated, and images that were accepted and not finished by every service granted.
 */

export interface SeenMessage {
  readonly offset: number;
  readonly prev: number;
  readonly type: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of any event type
  readonly payload: any;
}

export interface Finding {
  readonly kind: 'lost' | 'disorder' | 'repeat' | 'unfinished' | 'wrong total';
  readonly detail: string;
}

export interface FinishedImage {
  readonly image: string;
  /** From the request's start to the last service's completion being read, ms. */
  readonly latencyMs: number;
  readonly failedServices: readonly string[];
}

interface ImageState {
  readonly submittedAt: number;
  /** Services that the client's stream said would complete it; undefined before it did. */
  services: readonly string[] | undefined;
  readonly done: Set<string>;
  readonly failed: string[];
  finished: boolean;
}

/** A check may run for months: older ids and images are forgotten. What repeats one shows as disorder all the same. */
const REMEMBERED = 100_000;
/** Findings that are kept in words; further ones are counted. */
const KEPT_FINDINGS = 1_000;

export class StreamChecker {
  readonly #findings: Finding[] = [];
  readonly #images = new Map<string, ImageState>();
  readonly #ids = new Set<string>();
  readonly #onFinished: (image: FinishedImage) => void;
  #last = -1;
  #messages = 0;
  #known = 0;
  #finished = 0;
  #found = 0;
  /** Images so old that they were forgotten before they were finished. */
  #forgotten = 0;

  /** @param from the offset after which the stream begins */
  constructor(from: number, onFinished: (image: FinishedImage) => void = () => {}) {
    this.#last = from;
    this.#onFinished = onFinished;
  }

  /** The server said 202 for this image. May come after the stream's first message about it. @param at ms */
  accepted(image: string, at: number): void {
    const known = this.#images.get(image);
    if (known === undefined) this.#meet(image, at);
    else this.#images.set(image, { ...known, submittedAt: Math.min(known.submittedAt, at) });
  }

  /** @param at ms */
  saw(message: SeenMessage, at: number): void {
    this.#messages += 1;
    const { offset, prev, id } = message;
    if (prev > this.#last) this.#report('lost', `between ${this.#last} and ${prev}, before ${offset}`);
    else if (prev < this.#last) this.#report('disorder', `${offset} follows ${this.#last} but names ${prev}`);
    if (this.#ids.has(id)) this.#report('repeat', `message ${id} at ${offset}`);
    this.#ids.add(id);
    if (this.#ids.size > REMEMBERED) this.#ids.delete(this.#ids.values().next().value!);
    this.#last = Math.max(this.#last, offset);
    this.#account(message, at);
  }

  /** Where a stream would resume. */
  get position(): number {
    return this.#last;
  }

  get messages(): number {
    return this.#messages;
  }

  get acceptedImages(): number {
    return this.#known;
  }

  get finishedImages(): number {
    return this.#finished;
  }

  /** How many findings there are, those included that are not kept in words and not what may still be finished. */
  get found(): number {
    return this.#found + this.#forgotten;
  }

  /** The stream cannot go on from where it was and does so after another offset: whatever lay between is lost. */
  restart(from: number, why: string): void {
    this.#report('lost', `after ${this.#last}: ${why}`);
    this.#last = from;
  }

  /** What is wrong so far; `atEnd` also counts what should have been finished by now. */
  findings(atEnd: boolean): readonly Finding[] {
    if (!atEnd) return this.#findings;
    const unfinished = [...this.#images]
      .filter(([, { finished }]) => !finished)
      .map(([image, { services, done }]): Finding => {
        const missing = services?.filter((service) => !done.has(service)) ?? ['everything'];
        return { kind: 'unfinished', detail: `image ${image} lacks ${missing.join(', ')}` };
      });
    return [...this.#findings, ...unfinished];
  }

  #account({ type, payload }: SeenMessage, at: number): void {
    const name = type.slice(type.lastIndexOf('.') + 1);
    if (name !== 'ImageAccepted' && name !== 'ServiceCompleted' && name !== 'ServiceFailed') return;
    const image = this.#images.get(payload.imageId) ?? this.#meet(payload.imageId, at);
    if (name === 'ImageAccepted') image.services = payload.services;
    else {
      if (image.done.has(payload.service))
        this.#report('wrong total', `image ${payload.imageId} was finished twice by ${payload.service}`);
      image.done.add(payload.service);
      if (name === 'ServiceFailed') image.failed.push(payload.service);
    }
    if (image.finished || image.services === undefined) return;
    if (!image.services.every((service) => image.done.has(service))) return;
    image.finished = true;
    this.#finished += 1;
    const { submittedAt, failed } = image;
    this.#onFinished({ image: payload.imageId, latencyMs: at - submittedAt, failedServices: failed });
  }

  #meet(image: string, at: number): ImageState {
    const state: ImageState = { submittedAt: at, services: undefined, done: new Set(), failed: [], finished: false };
    this.#images.set(image, state);
    this.#known += 1;
    const [oldest] = this.#images;
    if (this.#images.size > REMEMBERED) {
      this.#images.delete(oldest![0]);
      if (!oldest![1].finished) this.#forgotten += 1;
    }
    return state;
  }

  #report(kind: Finding['kind'], detail: string): void {
    this.#found += 1;
    if (this.#findings.length < KEPT_FINDINGS) this.#findings.push({ kind, detail });
  }
}
