/** Asks the main thread what is in tokens, each once: thousands of messages carry the same one. */
import { type Claims, TokenError } from '../claims/token.ts';
import type { TokenAnswer } from './messages.ts';

/** Answers remembered at most; the one unused for longest goes first. */
const REMEMBERED = 10_000;

export class TokenQuestions {
  readonly #ask: (question: number, token: string) => void;
  readonly #known = new Map<string, Claims>();
  readonly #open = new Map<number, { readonly token: string; readonly answered: PromiseWithResolvers<Claims> }>();
  readonly #byToken = new Map<string, Promise<Claims>>();
  #asked = 0;

  constructor(ask: (question: number, token: string) => void) {
    this.#ask = ask;
  }

  /** @throws {TokenError} the token is none of ours */
  claimsOf(token: string): Promise<Claims> | Claims {
    const known = this.#known.get(token);
    if (known !== undefined) {
      this.#known.delete(token);
      this.#known.set(token, known);
      return known;
    }
    const asked = this.#byToken.get(token);
    if (asked !== undefined) return asked;
    const answered = Promise.withResolvers<Claims>();
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
    if ('claims' in answer) {
      this.#known.set(open.token, answer.claims);
      if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value as string);
      open.answered.resolve(answer.claims);
    } else if ('refused' in answer) {
      const { code, message } = answer.refused;
      open.answered.reject(new TokenError(code as TokenError['code'], message));
    } else open.answered.reject(new Error(answer.failed));
  }
}
