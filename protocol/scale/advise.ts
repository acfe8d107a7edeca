/**
 * How many replicas a consumer group needs, from its lag: a pure function of what was known and one more observation.
 *
 * Need = (arrivals per second + backlog ÷ the time in which it is to be gone) ÷ (records per second of one replica ×
 * the share of it that is planned with). A replica's rate is learnt while the group is saturated, since an idle group
 * shows only how much came, never how much it could do. What it did is still a lower bound, so more than was believed
 * counts at any time, as in the bandwidth estimate of BBR (Cardwell et al., 2016): an estimate from a bad moment, such as
 * a machine that stalled, does not stay once the replicas it asked for leave nothing to be saturated with.
 *
 * Hysteresis as in Kubernetes' HorizontalPodAutoscaler: a need within the tolerance of what runs changes nothing; more
 * is advised at once, less only when the greatest need of a whole stabilisation window was less. So after an increase no
 * decrease follows before that window is over, which bounds how often the advice can turn.
 */

export interface ScalingPolicy {
  readonly minReplicas: number;
  /** Never above the number of partitions: a replica without one has nothing to do. */
  readonly maxReplicas: number;
  /** A backlog is to be gone within this time. */
  readonly drainMs: number;
  /** The share of a replica's rate that is planned with, above 0 and up to 1. */
  readonly utilisation: number;
  /** How far need and replicas may differ, as a share of the replicas, before anything is advised. */
  readonly tolerance: number;
  /** For how long less must have been enough before less is advised. */
  readonly downAfterMs: number;
  /** Records per second of one replica where it is known beforehand; learnt otherwise. */
  readonly ratePerReplica?: number;
}

export const DEFAULT_POLICY: Omit<ScalingPolicy, 'maxReplicas'> = {
  minReplicas: 1,
  drainMs: 60_000,
  utilisation: 0.8,
  tolerance: 0.1,
  downAfterMs: 300_000,
};

/** What a look at the log shows, summed over the partitions. */
export interface Observation {
  /** Milliseconds; later than that of the observation before. */
  readonly time: number;
  readonly replicas: number;
  /** Sum of the end offsets: only its growth counts. */
  readonly produced: number;
  /** Sum of the committed offsets: only its growth counts. */
  readonly committed: number;
  /** Records waiting. */
  readonly lag: number;
  readonly partitions: number;
  /** Partitions in which records wait. */
  readonly waiting: number;
}

/** What is to be kept from one call to the next; plain JSON. */
export interface ScalingState {
  readonly last?: Observation;
  /** Records per second that one replica does when it has enough to do. */
  readonly ratePerReplica?: number;
  /** Smoothed. */
  readonly arrivalsPerSecond?: number;
  /** Needs within the stabilisation window, oldest first. */
  readonly needs: readonly { readonly time: number; readonly replicas: number }[];
  /** Since when the window has been observed without a gap. */
  readonly since?: number;
}

export interface ScalingAdvice {
  readonly replicas: number;
  readonly reason: 'learning' | 'steady' | 'more' | 'less' | 'waiting to see whether less is enough';
  readonly arrivalsPerSecond?: number;
  readonly ratePerReplica?: number;
  /** How long the youngest record will wait at the present rate; undefined where nothing was done. */
  readonly delaySeconds?: number;
}

export const NOTHING_KNOWN: ScalingState = { needs: [] };

/** Weight of the newest interval in the smoothed rates. */
const NEW = 0.5;
/** The group was saturated in an interval when at both ends more than this many seconds of its work waited. */
const SATURATED_SECONDS = 1;

export function adviseScale(
  policy: ScalingPolicy,
  state: ScalingState,
  seen: Observation,
): { readonly state: ScalingState; readonly advice: ScalingAdvice } {
  const { last } = state;
  if (last === undefined) return learning(policy, { ...state, last: seen, since: seen.time }, seen);
  const seconds = (seen.time - last.time) / 1000;
  if (seconds <= 0) throw new RangeError('an observation is not later than the one before');
  const arrivals = smooth(state.arrivalsPerSecond, Math.max(0, seen.produced - last.produced) / seconds);
  const doneRate = Math.max(0, seen.committed - last.committed) / seconds;
  const ratePerReplica = policy.ratePerReplica ?? learnRate(state, last, seen, doneRate);
  const known: ScalingState = {
    ...state,
    last: seen,
    arrivalsPerSecond: arrivals,
    ...(ratePerReplica !== undefined && { ratePerReplica }),
  };
  if (ratePerReplica === undefined) return learning(policy, known, seen);

  const need = needOf(policy, seen, arrivals, ratePerReplica);
  const needs = [...state.needs, { time: seen.time, replicas: need }].filter(
    ({ time }) => time > seen.time - policy.downAfterMs,
  );
  const { replicas, reason } = decide(policy, { ...known, needs }, seen, need);
  const delaySeconds = doneRate > 0 ? seen.lag / doneRate : undefined;
  return {
    state: { ...known, needs },
    advice: {
      replicas,
      reason,
      arrivalsPerSecond: arrivals,
      ratePerReplica,
      ...(delaySeconds !== undefined && { delaySeconds }),
    },
  };
}

function learning(policy: ScalingPolicy, state: ScalingState, seen: Observation) {
  const { arrivalsPerSecond } = state;
  const advice: ScalingAdvice = {
    replicas: within(policy, seen.replicas),
    reason: 'learning',
    ...(arrivalsPerSecond !== undefined && { arrivalsPerSecond }),
  };
  return { state, advice };
}

function learnRate(state: ScalingState, last: Observation, seen: Observation, doneRate: number): number | undefined {
  // While replicas come or go nobody knows how many did the work.
  if (last.replicas !== seen.replicas || seen.replicas === 0) return state.ratePerReplica;
  const sample = doneRate / seen.replicas;
  const better = state.ratePerReplica !== undefined && sample > state.ratePerReplica;
  return better || saturated(last, seen, doneRate) ? smooth(state.ratePerReplica, sample) : state.ratePerReplica;
}

/** Whether every replica had enough to do from one look to the next. */
function saturated(last: Observation, seen: Observation, doneRate: number): boolean {
  const backlog = Math.min(last.lag, seen.lag);
  return doneRate > 0 && backlog > doneRate * SATURATED_SECONDS && [last, seen].every(nobodyIdle);
}

/** Too few partitions are empty to be all that one replica has, when each has its share of them. */
function nobodyIdle({ partitions, waiting, replicas }: Observation): boolean {
  return partitions - waiting < Math.max(1, Math.floor(partitions / replicas));
}

function needOf(policy: ScalingPolicy, seen: Observation, arrivals: number, ratePerReplica: number): number {
  const toDo = arrivals + seen.lag / (policy.drainMs / 1000);
  const need = toDo / (ratePerReplica * policy.utilisation);
  const near = Math.abs(need / seen.replicas - 1) <= policy.tolerance;
  return within(policy, near ? seen.replicas : Math.ceil(need));
}

function decide(policy: ScalingPolicy, state: ScalingState, seen: Observation, need: number) {
  if (need > seen.replicas) return { replicas: need, reason: 'more' as const };
  const greatest = Math.max(...state.needs.map(({ replicas }) => replicas));
  if (need === seen.replicas || seen.replicas <= policy.minReplicas)
    return { replicas: within(policy, seen.replicas), reason: 'steady' as const };
  const wholeWindow = state.since !== undefined && seen.time - state.since >= policy.downAfterMs;
  if (!wholeWindow || greatest >= seen.replicas)
    return { replicas: within(policy, seen.replicas), reason: 'waiting to see whether less is enough' as const };
  return { replicas: greatest, reason: 'less' as const };
}

function within({ minReplicas, maxReplicas }: ScalingPolicy, replicas: number): number {
  return Math.min(maxReplicas, Math.max(minReplicas, replicas));
}

function smooth(before: number | undefined, now: number): number {
  return before === undefined ? now : before + NEW * (now - before);
}
