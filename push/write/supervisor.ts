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

/** What the journaler tells the read side. */
export type JournalerNews = Exclude<FromJournaler, { kind: 'ask-token' }>;

export class JournalerSupervisor {
  readonly #options: JournalerOptions;
  readonly #verifier: TokenVerifier;
  readonly #hear: (news: JournalerNews) => void;
  readonly #logger: Logger;
  #worker: Worker | undefined;
  #following: readonly number[] | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;
  #lastFault = 'starting';

  constructor(options: JournalerOptions, verifier: TokenVerifier, hear: (news: JournalerNews) => void, logger: Logger) {
    this.#options = options;
    this.#verifier = verifier;
    this.#hear = hear;
    this.#logger = logger;
    this.#start();
  }

  readiness(): Readiness {
    if (this.#following === undefined)
      return { ready: false, detail: `the journaler is not running: ${this.#lastFault}` };
    return { ready: true, detail: `pushing ${this.#following.length} partitions` };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage({ kind: 'stop' } satisfies ToJournaler);
    const killer = setTimeout(() => worker.terminate(), STOP_MS);
    await exited;
    clearTimeout(killer);
  }

  #start(): void {
    const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: this.#options });
    this.#worker = worker;
    worker.on('message', (message: FromJournaler) => this.#receive(worker, message));
    worker.on('error', (error) => {
      this.#lastFault = error.message;
      this.#logger.error({ err: error }, 'the journaler died');
    });
    worker.on('exit', () => this.#exited());
  }

  #receive(worker: Worker, message: FromJournaler): void {
    if (message.kind === 'ask-token') {
      void this.#claimsOf(message.token).then((answer) =>
        worker.postMessage({ kind: 'token', question: message.question, answer } satisfies ToJournaler),
      );
      return;
    }
    if (message.kind === 'following') {
      this.#following = message.partitions;
      this.#pauseMs = FIRST_PAUSE_MS;
    }
    this.#hear(message);
  }

  /** Its time does not matter: what was accepted in time is pushed however long it took. */
  async #claimsOf(token: string): Promise<TokenAnswer> {
    try {
      return { claims: await this.#verifier.authentic(token) };
    } catch (error) {
      if (error instanceof TokenError) return { refused: { code: error.code, message: error.message } };
      return { failed: String(error) };
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
}
