/** Keeps the journaler's thread running: answers its questions, passes on what it tells, starts it anew when it dies. */
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { TokenError } from '../../protocol/claims/token.ts';
import type { TokenVerifier } from '../../protocol/claims/verifier.ts';
import type { Readiness } from '../../protocol/role.ts';
import type { FromJournaler, JournalerOptions, ToJournaler, TokenAnswer } from './messages.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** How long a thread may take to finish its batch when told to stop; killing it then loses nothing. */
const STOP_MS = 10_000;

export interface JournalerListener {
  /** The journals can be opened for reading, possibly not for the first time. */
  following(epoch: string, partitions: readonly number[]): void;
  appended(message: Extract<FromJournaler, { kind: 'appended' }>): void;
  /** Everything else that it tells: for logs and metrics. */
  other(message: FromJournaler): void;
}

export class JournalerSupervisor {
  readonly #options: JournalerOptions;
  readonly #verifier: TokenVerifier;
  readonly #listener: JournalerListener;
  readonly #logger: Logger;
  #worker: Worker | undefined;
  #following: readonly number[] | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;
  #lastFault = 'starting';

  constructor(options: JournalerOptions, verifier: TokenVerifier, listener: JournalerListener, logger: Logger) {
    this.#options = options;
    this.#verifier = verifier;
    this.#listener = listener;
    this.#logger = logger;
    this.#start();
  }

  readiness(): Readiness {
    if (this.#following === undefined)
      return { ready: false, detail: `the journaler is not running: ${this.#lastFault}` };
    return { ready: true, detail: `journaling ${this.#following.length} partitions` };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    this.#say(worker, { kind: 'stop' });
    const killer = setTimeout(() => worker.terminate(), STOP_MS);
    await exited;
    clearTimeout(killer);
  }

  #start(): void {
    const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: this.#options });
    this.#worker = worker;
    worker.on('message', (message: FromJournaler) => this.#hear(worker, message));
    worker.on('error', (error) => {
      this.#lastFault = error.message;
      this.#logger.error({ err: error }, 'the journaler died');
    });
    worker.on('exit', () => this.#exited());
  }

  #hear(worker: Worker, message: FromJournaler): void {
    switch (message.kind) {
      case 'following':
        this.#following = message.partitions;
        this.#pauseMs = FIRST_PAUSE_MS;
        this.#listener.following(message.epoch, message.partitions);
        break;
      case 'appended':
        this.#listener.appended(message);
        break;
      case 'ask-token':
        void this.#clientOf(message.token).then((answer) =>
          this.#say(worker, { kind: 'token', question: message.question, answer }),
        );
        break;
      default:
        this.#listener.other(message);
    }
  }

  /** Its time does not matter: what was accepted in time is journaled however long it took. */
  async #clientOf(token: string): Promise<TokenAnswer> {
    try {
      return { client: (await this.#verifier.authentic(token)).client };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return error instanceof TokenError ? { refused: message } : { failed: message };
    }
  }

  #exited(): void {
    this.#worker = undefined;
    this.#following = undefined;
    if (this.#stopping) return;
    this.#logger.warn({ pauseMs: this.#pauseMs }, 'the journaler has ended and will be started again');
    this.#restart = setTimeout(() => this.#start(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #say(worker: Worker, message: ToJournaler): void {
    worker.postMessage(message);
  }
}
