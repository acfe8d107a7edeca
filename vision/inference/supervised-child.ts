/**
 * The parent's side of an inference child: starts it, feeds it, times it, and replaces it when it dies.
 *
 *   starting ──ready──▶ ready ──died──▶ restarting ──(delay)──▶ starts again, becomes ready …
 *      └──the service cannot open (model missing)──▶ failed          any ──close()──▶ closed
 */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Model } from '../../protocol/generated/vision/v1m0/vision_pb.js';
import type { ServiceConfig } from '../services/service.ts';
import { Admission } from './admission.ts';
import { DEFAULT_DECODE_LIMITS } from './decode.ts';
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
import type { FromChild, ToChild } from './messages.ts';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));
/** After so many starts in a row that came to nothing, images are refused rather than kept waiting. */
const HOPELESS_STARTS = 5;
const CLOSE_GRACE_MS = 2_000;

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
  #state: InferenceStatus['state'] = 'starting';
  #detail = 'loading models';
  #models: readonly Model[] = [];
  #child: ChildProcess | undefined;
  #nextId = 1;
  #restarts = 0;
  /** Deaths since the last image that was answered; decides the delay before the next start. */
  #deaths = 0;
  /** Starts in a row that never became ready. */
  #emptyStarts = 0;
  /** Set when no image can be served: what each is refused with. */
  #refusal: InferenceError | undefined;
  /** The image that is being timed: the first in the child. */
  #timed: Request | undefined;
  #timer: NodeJS.Timeout | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  /** Why we killed the child ourselves, if we did. */
  #killedBecause: string | undefined;

  constructor(options: InferenceProcessOptions) {
    this.#options = options;
    this.#admission = new Admission(options.concurrency ?? 2);
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
      restarts: this.#restarts,
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
      // What is in the child stays there: it cannot be interrupted, and its place is not free before it ends.
      const onAbort = () => {
        this.#admission.withdraw(id);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const forget = () => signal.removeEventListener('abort', onAbort);
      promise.then(forget, forget);
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
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    if (child.connected) child.disconnect();
    const kill = setTimeout(() => child.kill('SIGKILL'), CLOSE_GRACE_MS);
    await exited;
    clearTimeout(kill);
  }

  #start(): void {
    const started = performance.now();
    const { service, threads = availableParallelism(), providers = ['cpu'], limits } = this.#options;
    this.#killedBecause = undefined;
    // The child's stdout goes to our stderr: what this process prints for programs stays its own.
    const child = fork(CHILD, [], { serialization: 'advanced', stdio: ['ignore', 2, 2, 'ipc'], execArgv: [] });
    this.#child = child;
    this.#send({ kind: 'open', service, threads, providers, limits: { ...DEFAULT_DECODE_LIMITS, ...limits } });
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
        this.#becomeReady(message.models, performance.now() - started);
        break;
      case 'unopened':
        this.#unopened(fromWire(message.error));
        break;
      case 'notice':
        this.#options.onEvent?.(message);
        break;
      case 'analysed': {
        this.#deaths = 0;
        this.#admission.leave(message.id)?.resolve({ ...message.analysis, models: this.#models });
        this.#pump();
        break;
      }
      case 'failed':
        this.#admission.leave(message.id)?.reject(fromWire(message.error));
        this.#pump();
        break;
    }
  }

  #becomeReady(models: readonly Model[], startMs: number): void {
    clearTimeout(this.#timer);
    this.#state = 'ready';
    this.#models = models;
    this.#detail = models.map((model) => `${model.name} ${model.version} on ${model.provider}`).join(', ');
    this.#emptyStarts = 0;
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
    const cause = this.#killedBecause ?? how;
    const inFlight = this.#admission.inside;
    if (this.#state === 'ready') {
      this.#timed = undefined;
      const culprit = this.#admission.lost(this.#killedBecause !== undefined);
      culprit?.reject(new InferenceCrashed(`the inference process died: ${how}`));
    } else if (++this.#emptyStarts >= HOPELESS_STARTS) {
      const error = new InferenceUnavailable(`the inference process does not come up: ${cause}`);
      this.#ready.reject(error);
      this.#refuse(error);
    }
    this.#state = 'restarting';
    this.#detail = cause;
    const { firstDelayMs, maxDelayMs } = this.#options.restart ?? { firstDelayMs: 100, maxDelayMs: 10_000 };
    const restartInMs = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(this.#deaths++, 30));
    this.#options.onEvent?.({ kind: 'died', cause, inFlight, restartInMs });
    this.#restartTimer = setTimeout(() => {
      this.#restarts++;
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
    this.#timer = setTimeout(() => {
      this.#admission.leave(head.id);
      head.reject(new InferenceTimeout(`no answer within ${head.timeoutMs} ms`));
      this.#kill(`an image took more than ${head.timeoutMs} ms`);
    }, head.timeoutMs);
  }

  #send(message: ToChild): void {
    // An error means that the child is gone; its 'exit' deals with what was in it.
    this.#child?.send(message, () => {});
  }

  #kill(because: string): void {
    this.#killedBecause = because;
    this.#child?.kill('SIGKILL');
  }

  #refuse(error: InferenceError): void {
    this.#refusal = error;
    for (const request of this.#admission.clear()) request.reject(error);
  }
}
