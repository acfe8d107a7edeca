/** The schedule of a chaos run: which fault, when, for how long. All of it follows from the seed, so a run can be replayed. */
import { seeded } from '../../protocol/seeded-random.ts';

export const FAULTS = [
  'kill',
  'terminate',
  'freeze',
  'cut',
  'delay',
  'disk-full',
  'slow-disk',
  'corrupt-journal',
  'clock-jump',
  'broker-loss',
] as const;
export type FaultName = (typeof FAULTS)[number];

export interface PlannedFault {
  /** Milliseconds from the end of the fault before (from the start for the first) until it strikes. */
  readonly pauseMs: number;
  readonly fault: FaultName;
  /** How long it lasts. */
  readonly durationMs: number;
  /** 0 to 1, for what a fault has to choose: which file, which byte. */
  readonly choice: number;
}

const PAUSE_MS = { least: 500, most: 4_000 };
const DURATION_MS = { least: 500, most: 6_000 };

/**
 * @param available faults that this machine can do: another set makes another schedule
 * @param seconds until how much planned time is filled
 */
export function planFaults(seed: number, available: readonly FaultName[], seconds: number): PlannedFault[] {
  const random = seeded(seed);
  const between = ({ least, most }: { least: number; most: number }) => Math.round(least + random() * (most - least));
  const plan: PlannedFault[] = [];
  // Each fault once before any comes again: a short run meets all kinds.
  let left: FaultName[] = [];
  for (let total = 0; total < seconds * 1000; ) {
    if (left.length === 0) left = [...available];
    const [fault] = left.splice(Math.floor(random() * left.length), 1);
    const planned = { pauseMs: between(PAUSE_MS), fault: fault!, durationMs: between(DURATION_MS), choice: random() };
    plan.push(planned);
    total += planned.pauseMs + planned.durationMs;
  }
  return plan;
}
