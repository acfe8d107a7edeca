/** A load run cut into equal spans of time: what a ramp breaks at, a soak grows by and a spike leaves behind shows there. */
import { quantile } from '../statistics.ts';

export interface Window {
  readonly from_s: number;
  readonly sent: number;
  readonly accepted: number;
  /** Of the images submitted in this span, however much later they were finished. NaN where none was. */
  readonly p50_ms: number;
  readonly p99_ms: number;
}

/** So many spans: enough for each part of a profile to have some of its own. */
const WINDOWS = 12;
/** Spans at either end that are compared to see growth. */
const END = WINDOWS / 4;
/** A span is as it was before when its p99 is no more than so many times that of before. */
const AS_BEFORE = 2;

export class Windows {
  readonly #durationSeconds: number;
  readonly #sent = new Array<number>(WINDOWS).fill(0);
  readonly #accepted = new Array<number>(WINDOWS).fill(0);
  readonly #latencies: number[][] = Array.from({ length: WINDOWS }, () => []);

  constructor(durationSeconds: number) {
    this.#durationSeconds = durationSeconds;
  }

  /** @param at seconds since the run began, of this and of the others when the image was submitted */
  sent(at: number): void {
    this.#sent[this.#index(at)]! += 1;
  }

  accepted(at: number): void {
    this.#accepted[this.#index(at)]! += 1;
  }

  finished(at: number, latencyMs: number): void {
    this.#latencies[this.#index(at)]!.push(latencyMs);
  }

  all(): Window[] {
    return this.#sent.map((sent, index) => ({
      from_s: (index * this.#durationSeconds) / WINDOWS,
      sent,
      accepted: this.#accepted[index]!,
      p50_ms: quantile(this.#latencies[index]!, 0.5),
      p99_ms: quantile(this.#latencies[index]!, 0.99),
    }));
  }

  /** The median latency of the last quarter, as a multiple of that of the first. */
  growth(): number {
    const p50 = (windows: readonly number[][]) => quantile(windows.flat(), 0.5);
    return p50(this.#latencies.slice(-END)) / p50(this.#latencies.slice(0, END));
  }

  /** Seconds from the end of a spike until a span was as those before it; NaN where none was. */
  recovery(spikeFrom: number, spikeTo: number): number {
    const windows = this.all();
    const before = quantile(this.#latencies.slice(0, Math.floor(spikeFrom * WINDOWS)).flat(), 0.99);
    const first = Math.ceil(spikeTo * WINDOWS);
    const recovered = windows.slice(first).findIndex(({ p99_ms }) => p99_ms <= before * AS_BEFORE);
    return recovered === -1 ? Number.NaN : (recovered * this.#durationSeconds) / WINDOWS;
  }

  #index(at: number): number {
    const index = Math.floor((at / this.#durationSeconds) * WINDOWS);
    return Math.min(WINDOWS - 1, Math.max(0, index));
  }
}
