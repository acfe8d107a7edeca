/**
 * Whether the log takes records now: asked every other second by appending one that says nothing, the only question whose
 * answer means that work can be accepted. Readiness is answered from what is known, so it never waits for a log that hangs.
 */
import type { Readiness } from '../role.ts';
import type { Log } from './log.ts';
import { CAPACITY_TOPIC } from './topics.ts';

const ASK_EVERY_MS = 2_000;
/** A log that has not answered for so long is away; less is a pause such as any disk or election makes. */
const PATIENCE_MS = 5_000;

export interface LogWatchOptions {
  readonly log: Pick<Log, 'produce'>;
  /** Who asks: tells the records of several processes from each other. */
  readonly name: string;
  /** Milliseconds, rising. */
  readonly now?: () => number;
}

export class LogWatch {
  readonly #options: LogWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #asking: Promise<void> | undefined;
  #answered: number;
  #fault = 'it does not answer';

  constructor(options: LogWatchOptions) {
    this.#options = options;
    this.#answered = this.#now();
    this.#timer = setInterval(() => this.#ask(), ASK_EVERY_MS);
  }

  /** @param detail what the role says where the log is there */
  readiness(detail: string): Readiness {
    const silentMs = this.#now() - this.#answered;
    if (silentMs <= ASK_EVERY_MS + PATIENCE_MS) return { ready: true, detail };
    return { ready: false, detail: `the log takes nothing since ${Math.round(silentMs / 1000)} s: ${this.#fault}` };
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #now(): number {
    return (this.#options.now ?? performance.now.bind(performance))();
  }

  #ask(): void {
    const { log, name } = this.#options;
    this.#asking ??= log
      .produce(CAPACITY_TOPIC, [{ key: `ready/${name}`, value: null }])
      .then(
        () => {
          this.#answered = this.#now();
        },
        (error: unknown) => {
          this.#fault = error instanceof Error ? error.message : String(error);
        },
      )
      .finally(() => {
        this.#asking = undefined;
      });
  }
}
