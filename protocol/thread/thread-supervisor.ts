/** Keeps a consumer's thread running: answers its questions, passes on what it tells, starts it anew when it dies. */
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { TokenError } from '../claims/token.ts';
import type { TokenVerifier } from '../claims/verifier.ts';
import type { Readiness } from '../role.ts';
import type { AskToken, Following, TokenAnswer, ToThread } from './messages.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** How long a thread may take to finish its batch when told to stop; killing it then loses nothing. */
const STOP_MS = 10_000;

export interface SupervisedThread<News> {
  /** What it is called in logs: "the journaler". */
  readonly name: string;
  /** The module that calls `runConsumerThread`. */
  readonly entry: URL;
  /** Its workerData. */
  readonly data: unknown;
  /** Told of everything that the consumer tells, `Following` among it. */
  readonly hear: (news: News) => void;
}

export class ThreadSupervisor<News extends { readonly kind: string }> {
  readonly #thread: SupervisedThread<News>;
  readonly #verifier: TokenVerifier;
  readonly #logger: Logger;
  #worker: Worker | undefined;
  #following: readonly number[] | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;
  #lastFault = 'starting';

  constructor(thread: SupervisedThread<News>, verifier: TokenVerifier, logger: Logger) {
    this.#thread = thread;
    this.#verifier = verifier;
    this.#logger = logger;
    this.#start();
  }

  readiness(): Readiness {
    if (this.#following === undefined)
      return { ready: false, detail: `${this.#thread.name} is not running: ${this.#lastFault}` };
    return { ready: true, detail: `${this.#thread.name} follows ${this.#following.length} partitions` };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage({ kind: 'stop' } satisfies ToThread);
    const killer = setTimeout(() => worker.terminate(), STOP_MS);
    await exited;
    clearTimeout(killer);
  }

  #start(): void {
    const worker = new Worker(this.#thread.entry, { workerData: this.#thread.data });
    this.#worker = worker;
    worker.on('message', (message: News | AskToken) => this.#receive(worker, message));
    worker.on('error', (error) => {
      this.#lastFault = error.message;
      this.#logger.error({ err: error }, `${this.#thread.name} died`);
    });
    worker.on('exit', () => this.#exited());
  }

  #receive(worker: Worker, message: News | AskToken): void {
    if (isQuestion(message)) {
      void this.#claimsOf(message.token).then((answer) =>
        worker.postMessage({ kind: 'token', question: message.question, answer } satisfies ToThread),
      );
      return;
    }
    if (isFollowing(message)) {
      this.#following = message.partitions;
      this.#pauseMs = FIRST_PAUSE_MS;
    }
    this.#thread.hear(message as News);
  }

  /** Its time does not matter: what was accepted in time is worked on however long it took. */
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
    this.#logger.warn({ pauseMs: this.#pauseMs }, `${this.#thread.name} has ended and will be started again`);
    this.#restart = setTimeout(() => this.#start(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

function isQuestion(message: { readonly kind: string }): message is AskToken {
  return message.kind === 'ask-token';
}

function isFollowing(message: { readonly kind: string }): message is Following {
  return message.kind === 'following';
}
