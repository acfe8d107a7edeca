/** Asks the main thread whose tokens are, each once: thousands of messages carry the same one. */
import { PoisonedRecord } from './entry-of-record.ts';
import type { TokenAnswer } from './messages.ts';

/** Answers remembered at most; the one unused for longest goes first. */
const REMEMBERED = 10_000;

export class TokenQuestions {
  readonly #ask: (question: number, token: string) => void;
  readonly #clients = new Map<string, string>();
  readonly #open = new Map<number, { token: string; answered: PromiseWithResolvers<string> }>();
  readonly #byToken = new Map<string, Promise<string>>();
  #asked = 0;

  constructor(ask: (question: number, token: string) => void) {
    this.#ask = ask;
  }

  /** @throws {PoisonedRecord} the token is none of ours */
  clientOf(token: string): Promise<string> | string {
    const known = this.#clients.get(token);
    if (known !== undefined) {
      this.#clients.delete(token);
      this.#clients.set(token, known);
      return known;
    }
    const asked = this.#byToken.get(token);
    if (asked !== undefined) return asked;
    const answered = Promise.withResolvers<string>();
    const question = this.#asked++;
    this.#open.set(question, { token, answered });
    this.#byToken.set(token, answered.promise);
    this.#ask(question, token);
    return answered.promise;
  }

  answer(question: number, answer: TokenAnswer): void {
    const open = this.#open.get(question);
    if (open === undefined) return;
    this.#open.delete(question);
    this.#byToken.delete(open.token);
    if ('client' in answer) {
      this.#clients.set(open.token, answer.client);
      if (this.#clients.size > REMEMBERED) this.#clients.delete(this.#clients.keys().next().value as string);
      open.answered.resolve(answer.client);
    } else if ('refused' in answer) open.answered.reject(new PoisonedRecord(answer.refused));
    else open.answered.reject(new Error(answer.failed));
  }
}
