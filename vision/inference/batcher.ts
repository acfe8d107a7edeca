/**
 * Lets samples that are asked for one by one run together: dynamic batching in front of one model.
 *
 * Samples of one shape wait for each other while another run is going on, and for at most `delayMs` while none is; a full
 * group does not wait. A run is filled up to the next of the allowed sizes, because a GPU prepares anew for each size that
 * it has not seen. When a run of several samples fails, each goes again on its own: none fails for its neighbour.
 *
 * How many wait is bounded by those who ask: an image asks for no more samples at a time than fit into one run.
 */

/** Numbers with their shape; the batch is no part of it. */
export interface Sample {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** What a model says about one sample, by the names of its outputs. */
export type Outputs = Readonly<Record<string, Sample>>;

/** Runs `count` samples that lie one behind the other in `data`. The outputs' first dimension is `count`. */
export type RunBatch = (data: Float32Array, dims: readonly number[], count: number) => Promise<Outputs>;

export interface BatchPolicy {
  /** Ascending. */
  readonly sizes: readonly number[];
  readonly delayMs: number;
}

interface Waiting {
  readonly sample: Sample;
  readonly since: number;
  readonly resolve: (outputs: Outputs) => void;
  readonly reject: (error: unknown) => void;
}

export class Batcher {
  readonly #run: RunBatch;
  readonly #policy: BatchPolicy;
  readonly #most: number;
  /** By shape, each in the order of asking. No group is empty. */
  readonly #groups = new Map<string, Waiting[]>();
  #running = false;
  #looking = false;
  #timer: NodeJS.Timeout | undefined;
  /** Since the start: runs, and samples in them. */
  readonly counts = { runs: 0, samples: 0 };

  constructor(run: RunBatch, policy: BatchPolicy) {
    this.#run = run;
    this.#policy = policy;
    this.#most = policy.sizes.at(-1) ?? 1;
  }

  infer(sample: Sample): Promise<Outputs> {
    const { promise, resolve, reject } = Promise.withResolvers<Outputs>();
    const key = sample.dims.join('x');
    const waiting = { sample, since: performance.now(), resolve, reject };
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, [waiting]);
    else group.push(waiting);
    this.#lookSoon();
    return promise;
  }

  /** Not at once: what is asked for in the same turn of the event loop belongs together. */
  #lookSoon(): void {
    if (this.#looking) return;
    this.#looking = true;
    setImmediate(() => {
      this.#looking = false;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    if (this.#running) return;
    const next = this.#next();
    if (next === undefined) return;
    clearTimeout(this.#timer);
    this.#running = true;
    await this.#answer(next);
    this.#running = false;
    this.#lookSoon();
  }

  /** The group that runs now: the one that has waited longest of those that are full or have waited enough. */
  #next(): Waiting[] | undefined {
    const now = performance.now();
    let best: [string, Waiting[]] | undefined;
    let soonest = Number.POSITIVE_INFINITY;
    for (const [key, group] of this.#groups) {
      const due = group[0]!.since + this.#policy.delayMs;
      soonest = Math.min(soonest, due);
      const mayRun = due <= now || group.length >= this.#most;
      if (mayRun && (best === undefined || group[0]!.since < best[1][0]!.since)) best = [key, group];
    }
    if (best === undefined) {
      clearTimeout(this.#timer);
      if (soonest !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => void this.#look(), soonest - now + 0.5);
      return undefined;
    }
    const [key, group] = best;
    const taken = group.splice(0, this.#most);
    if (group.length === 0) this.#groups.delete(key);
    return taken;
  }

  async #answer(batch: readonly Waiting[]): Promise<void> {
    try {
      const outputs = await this.#together(batch.map(({ sample }) => sample));
      for (const [n, { resolve }] of batch.entries()) resolve(outputs[n]!);
    } catch (error) {
      if (batch.length === 1) batch[0]!.reject(error);
      else for (const one of batch) await this.#answer([one]);
    }
  }

  async #together(samples: readonly Sample[]): Promise<Outputs[]> {
    const { data, dims } = samples[0]!;
    const count = this.#policy.sizes.find((size) => size >= samples.length) ?? samples.length;
    this.counts.runs += 1;
    this.counts.samples += samples.length;
    let stacked = data;
    if (count > 1) {
      stacked = new Float32Array(count * data.length);
      for (const [n, sample] of samples.entries()) stacked.set(sample.data, n * data.length);
    }
    const outputs = Object.entries(await this.#run(stacked, dims, count));
    return samples.map((_, n) =>
      Object.fromEntries(
        outputs.map(([name, output]) => {
          const length = output.data.length / count;
          const part = { data: output.data.subarray(n * length, (n + 1) * length), dims: output.dims.slice(1) };
          return [name, part];
        }),
      ),
    );
  }
}
