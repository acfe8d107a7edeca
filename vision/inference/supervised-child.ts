/**
 * The parent's side of an inference child: starts it, feeds it, times it, and replaces it when it dies.
 *
 *   starting ──ready──▶ ready ──died──▶ restarting ──(delay)──▶ starts again, becomes ready …
 *      └──the service cannot open (model missing)──▶ failed          any ──close()──▶ closed
 */
import type { ChildProcess } from 'node:child_process';
import type { Model } from '../../protocol/generated/vision/v1m0/vision_pb.js';
import type { ServiceConfig } from '../services/service.ts';
import { onAbortWhilePending } from './abort-while.ts';
import { Admission } from './admission.ts';
import { endChild, forkChild } from './child-process.ts';
import {
  fromWire,
  InferenceClosed,
  InferenceCrashed,
  type InferenceError,
  InferenceOverloaded,
  InferenceTimeout,
  InferenceUnavailable,
} from './errors.ts';
import type {
  AnalyseOptions,
  Analysis,
  InferenceProcess,
  InferenceProcessOptions,
  InferenceStatus,
} from './inference-process.ts';
import { type FromChild, openMessage, type ToChild } from './messages.ts';
import { Restarts } from './restarts.ts';

interface Request {
  readonly id: number;
  readonly message: Extract<ToChild, { kind: 'analyse' }>;
  readonly timeoutMs: number;
  readonly resolve: (analysis: Analysis) => void;
  readonly reject: (error: unknown) => void;
}

export class SupervisedChild implements InferenceProcess {
  readonly #options: InferenceProcessOptions;
  readonly #admission: Admission<Request>;
  readonly #ready = Promise.withResolvers<readonly Model[]>();
  readonly #restarts: Restarts;
  #state: InferenceStatus['state'] = 'starting';
  #detail = 'loading models';
  #models: readonly Model[] = [];
  #child: ChildProcess | undefined;
  #nextId = 1;
  /** Images that the child analyses side by side. */
  #analyses = 1;
  /** Set when no image can be served: what each is refused with. */
  #refusal: InferenceError | undefined;
  /** The image that is being timed: the first in the child. */
  #timed: Request | undefined;
  #timer: NodeJS.Timeout | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  /** Why we killed the child ourselves, if we did, and whether any of the images in it may be the reason. */
  #killed: { readonly because: string; readonly innocent: boolean } | undefined;

  constructor(options: InferenceProcessOptions) {
    this.#options = options;
    this.#admission = new Admission(options.concurrency ?? 2);
    this.#restarts = new Restarts(options.restart ?? { firstDelayMs: 100, maxDelayMs: 10_000 });
    // Whoever does not ask for ready() shall not be ended by an unhandled rejection.
    this.#ready.promise.catch(() => {});
    this.#start();
  }

  ready(): Promise<readonly Model[]> {
    return this.#ready.promise;
  }

  status(): InferenceStatus {
    return {
      state: this.#state,
      detail: this.#detail,
      models: this.#models,
      pid: this.#child?.pid,
      restarts: this.#restarts.count,
      inFlight: this.#admission.inside,
      waiting: this.#admission.waiting,
    };
  }

  analyse(bytes: Uint8Array, config: ServiceConfig, options: AnalyseOptions = {}): Promise<Analysis> {
    const { signal, timeoutMs = 60_000 } = options;
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#admission.waiting >= (this.#options.maxWaiting ?? 64)) {
      return Promise.reject(new InferenceOverloaded(`${this.#admission.waiting} images wait already`));
    }
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<Analysis>();
    if (signal !== undefined) {
      onAbortWhilePending(signal, promise, () => {
        // What is in the child stays there: it cannot be interrupted, and its place is not free before it ends.
        this.#admission.withdraw(id);
        reject(signal.reason);
      });
    }
    this.#admission.add({ id, message: { kind: 'analyse', id, bytes, config }, timeoutMs, resolve, reject });
    this.#pump();
    return promise;
  }

  async close(): Promise<void> {
    this.#refuse(new InferenceClosed());
    this.#ready.reject(new InferenceClosed());
    this.#state = 'closed';
    this.#detail = 'closed';
    clearTimeout(this.#restartTimer);
    clearTimeout(this.#timer);
    const child = this.#child;
    this.#child = undefined;
    if (child !== undefined) await endChild(child);
  }

  #start(): void {
    const started = performance.now();
    this.#killed = undefined;
    const child = forkChild(this.#options.nodeFlags ?? []);
    this.#child = child;
    this.#send(openMessage(this.#options));
    const startTimeoutMs = this.#options.startTimeoutMs ?? 120_000;
    this.#timer = setTimeout(() => this.#kill(`not ready after ${startTimeoutMs} ms`), startTimeoutMs);
    child.on('message', (message: FromChild) => {
      if (child === this.#child) this.#receive(message, started);
    });
    child.once('error', (error) => this.#died(child, error.message));
    child.once('exit', (code, signal) => this.#died(child, signal === null ? `exit code ${code}` : signal));
  }

  #receive(message: FromChild, started: number): void {
    switch (message.kind) {
      case 'ready':
        this.#becomeReady(message, performance.now() - started);
        break;
      case 'unopened':
        this.#unopened(fromWire(message.error));
        break;
      case 'notice':
        this.#options.onEvent?.(message);
        break;
      case 'analysed':
        this.#restarts.answered();
        this.#admission.leave(message.id)?.resolve({ ...message.analysis, models: this.#models });
        this.#pump();
        break;
      case 'failed':
        this.#admission.leave(message.id)?.reject(fromWire(message.error));
        this.#pump();
        break;
    }
  }

  #becomeReady({ models, analyses }: Extract<FromChild, { kind: 'ready' }>, startMs: number): void {
    clearTimeout(this.#timer);
    this.#state = 'ready';
    this.#models = models;
    this.#detail = models.map((model) => `${model.name} ${model.version} on ${model.provider}`).join(', ');
    this.#restarts.becameReady();
    this.#analyses = analyses;
    this.#admission.concurrency = this.#options.concurrency ?? analyses + 1;
    this.#refusal = undefined;
    this.#ready.resolve(models);
    this.#options.onEvent?.({ kind: 'ready', pid: this.#child?.pid ?? 0, models, startMs });
    this.#pump();
  }

  /** The service said why it cannot open. A missing model will not come by itself, so there is no next try. */
  #unopened(error: InferenceError): void {
    if (!error.permanent) {
      this.#kill(error.message);
      return;
    }
    this.#state = 'failed';
    this.#detail = error.message;
    this.#ready.reject(error);
    this.#refuse(error);
    clearTimeout(this.#timer);
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
  }

  #died(child: ChildProcess, how: string): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    clearTimeout(this.#timer);
    const cause = this.#killed?.because ?? how;
    const inFlight = this.#admission.inside;
    if (this.#state === 'ready') {
      this.#timed = undefined;
      const culprit = this.#admission.lost(this.#killed?.innocent === true);
      culprit?.reject(new InferenceCrashed(`the inference process died: ${how}`));
    } else if (this.#restarts.diedBeforeReady()) {
      const error = new InferenceUnavailable(`the inference process does not come up: ${cause}`);
      this.#ready.reject(error);
      this.#refuse(error);
    }
    this.#state = 'restarting';
    this.#detail = cause;
    const restartInMs = this.#restarts.delayAfterDeath();
    this.#options.onEvent?.({ kind: 'died', cause, inFlight, restartInMs });
    this.#restartTimer = setTimeout(() => {
      this.#restarts.count += 1;
      this.#start();
    }, restartInMs);
  }

  /** Hands the child what it has room for, and times the image that it works on. */
  #pump(): void {
    if (this.#state !== 'ready') return;
    for (let next = this.#admission.enter(); next !== undefined; next = this.#admission.enter()) {
      this.#send(next.message);
    }
    const head = this.#admission.head;
    if (head === this.#timed) return;
    clearTimeout(this.#timer);
    this.#timed = head;
    if (head === undefined) return;
    this.#timer = setTimeout(() => this.#giveUp(head), head.timeoutMs);
  }

  /** The image that came first has had its time. Where others are analysed beside it, one of those may hold it up. */
  #giveUp(head: Request): void {
    const certain = this.#analyses === 1 || this.#admission.inside === 1;
    if (certain) {
      this.#admission.leave(head.id);
      head.reject(new InferenceTimeout(`no answer within ${head.timeoutMs} ms`));
    }
    this.#kill(`an image took more than ${head.timeoutMs} ms`, certain);
  }

  #send(message: ToChild): void {
    // An error means that the child is gone; its 'exit' deals with what was in it.
    this.#child?.send(message, () => {});
  }

  #kill(because: string, innocent = true): void {
    this.#killed = { because, innocent };
    this.#child?.kill('SIGKILL');
  }

  #refuse(error: InferenceError): void {
    this.#refusal = error;
    for (const request of this.#admission.clear()) request.reject(error);
  }
}
