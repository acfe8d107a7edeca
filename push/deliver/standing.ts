/** How an endpoint stands with its client: well, failing, parked or disabled, and the word to the client when that changes. */
import type { Logger } from 'pino';
import type { Endpoint } from '../endpoint.ts';
import type { Answer } from '../machines/answer.ts';
import { afterAnswer, type Health, type HealthOptions, noticeOf, WELL } from '../machines/health.ts';
import type { Notice } from './notices.ts';

export interface StandingDependencies {
  readonly notify: (endpoint: Endpoint, notice: Notice) => void;
  readonly logger: Logger;
  readonly options: HealthOptions;
}

export class Standing {
  readonly #to: StandingDependencies;
  #health: Health;

  constructor(health: Health, to: StandingDependencies) {
    this.#health = health;
    this.#to = to;
  }

  get health(): Health {
    return this.#health;
  }

  /** A request was answered. @param after gives the offset up to which everything has been pushed or set aside */
  judge(answer: Answer, endpoint: Endpoint, after: () => number, now: number): void {
    const before = this.#health;
    this.#health = afterAnswer(before, answer, now, this.#to.options);
    const notice = noticeOf(before, this.#health);
    if (notice !== undefined) this.#tell(notice, endpoint, after(), now);
  }

  /** Its client wants nothing pushed any more. */
  withdraw(at: number): void {
    if (this.#health.kind !== 'disabled')
      this.#health = { kind: 'disabled', since: at, cause: 'withdrawn by its client' };
  }

  /** Its client says that it can be pushed to again. */
  recover(endpoint: Endpoint, after: () => number, now: number): void {
    const before = this.#health;
    this.#health = WELL;
    if (before.kind === 'parked' || before.kind === 'disabled') this.#tell('resumed', endpoint, after(), now);
  }

  #tell(kind: 'parked' | 'disabled' | 'resumed', endpoint: Endpoint, after: number, now: number): void {
    const { notify, logger } = this.#to;
    const health = this.#health;
    logger.info({ client: endpoint.client, endpoint: endpoint.key, health, after }, `webhook ${kind}`);
    if (health.kind === 'well') notify(endpoint, { kind: 'resumed', after, time: now });
    else if (kind !== 'resumed') notify(endpoint, { kind, after, since: health.since, cause: health.cause });
  }
}
