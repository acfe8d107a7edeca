/**
 * An engine that can be replaced while images are in work: the new one is warmed up first, then takes all that comes, and the old
 * one is closed when it has answered what it has.
 */
import type { Engine } from './engine.ts';

interface Member {
  readonly engine: Engine;
  inWork: number;
  retired: boolean;
}

export class SwappableEngine implements Engine {
  #current: Member;
  /** Replaced, and not yet done. */
  readonly #retired = new Set<Member>();
  /** Being warmed up, to come into the place of the current one. */
  #coming: Engine | undefined;
  #closed = false;

  constructor(engine: Engine) {
    this.#current = { engine, inWork: 0, retired: false };
  }

  ready(): Promise<unknown> {
    return this.#current.engine.ready();
  }

  async analyse(...[image, config, options]: Parameters<Engine['analyse']>): ReturnType<Engine['analyse']> {
    const member = this.#current;
    member.inWork += 1;
    try {
      return await member.engine.analyse(image, config, options);
    } finally {
      member.inWork -= 1;
      if (member.retired && member.inWork === 0) await this.#end(member);
    }
  }

  state(): ReturnType<Engine['state']> {
    return this.#current.engine.state();
  }

  /**
   * Resolves when `next` takes the images.
   * @throws what `next.ready` rejects with; then `next` is closed, and nothing has changed
   */
  async replaceBy(next: Engine): Promise<void> {
    this.#coming = next;
    try {
      if (!this.#closed) await next.ready();
      if (this.#closed) throw new Error('the service is being stopped');
    } catch (error) {
      await next.close();
      throw error;
    } finally {
      this.#coming = undefined;
    }
    const old = this.#current;
    this.#current = { engine: next, inWork: 0, retired: false };
    old.retired = true;
    this.#retired.add(old);
    if (old.inWork === 0) await this.#end(old);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const engines = [this.#current, ...this.#retired].map(({ engine }) => engine);
    // What is being warmed up is not waited for.
    if (this.#coming !== undefined) engines.push(this.#coming);
    await Promise.all(engines.map((engine) => engine.close()));
  }

  async #end(member: Member): Promise<void> {
    if (this.#retired.delete(member)) await member.engine.close();
  }
}
