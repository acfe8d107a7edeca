/** What one fact adds to its client's usage of a day. */
import type { Fact } from './fact.ts';

export interface Usage {
  readonly images: number;
  /** Encoded bytes of those images. */
  readonly bytes: number;
  readonly results: number;
  /** Images that a service completed, counted for each service. */
  readonly completions: number;
  /** Images that a service gave up, counted for each service. */
  readonly failures: number;
  readonly summaries: number;
}

export interface UsageDelta extends Usage {
  readonly client: string;
  /** The day of the event in UTC: "2026-11-21". */
  readonly day: string;
}

const NOTHING: Usage = { images: 0, bytes: 0, results: 0, completions: 0, failures: 0, summaries: 0 };

/** @returns undefined where the fact uses nothing */
export function usageOf(fact: Fact): UsageDelta | undefined {
  const used = usedBy(fact);
  return used === undefined ? undefined : { ...NOTHING, ...used, client: fact.event.client, day: dayOf(fact.time) };
}

export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** Adds up what belongs to the same client and day. */
export function sumUsage(deltas: Iterable<UsageDelta>): UsageDelta[] {
  const sums = new Map<string, UsageDelta>();
  for (const delta of deltas) {
    const key = `${delta.day}\n${delta.client}`;
    const sum = sums.get(key);
    sums.set(key, sum === undefined ? delta : { ...added(sum, delta), client: delta.client, day: delta.day });
  }
  return [...sums.values()];
}

function added(a: Usage, b: Usage): Usage {
  return {
    images: a.images + b.images,
    bytes: a.bytes + b.bytes,
    results: a.results + b.results,
    completions: a.completions + b.completions,
    failures: a.failures + b.failures,
    summaries: a.summaries + b.summaries,
  };
}

function usedBy({ said }: Fact): Partial<Usage> | undefined {
  switch (said.kind) {
    case 'accepted':
      return { images: 1, bytes: said.image.size };
    case 'face':
    case 'text':
    case 'barcode':
    case 'other-result':
      return { results: 1 };
    case 'completed':
      return { completions: 1 };
    case 'failed':
      return { failures: 1 };
    case 'summary':
      return { summaries: 1 };
    case 'opened':
    case 'closed':
    case 'notice':
      return undefined;
  }
}
