/**
 * What rebalances do to the groups of a plan. They are cooperative: only partitions that move stand still, each until those who
 * stay have heard of it at their next heartbeat and have joined again.
 */
import { heartbeatIntervalMs } from '../../protocol/log/kafka/group-membership.ts';
import type { Costs } from './costs.ts';
import type { Rebalance } from './plan.ts';
import type { Shape } from './workload.ts';

export interface SimulatedGroup {
  readonly group: string;
  readonly members: number;
  readonly partitions: number;
}

export function rebalancesOf(
  costs: Costs,
  { sessionTimeoutSeconds }: Shape,
  groups: readonly SimulatedGroup[],
): Rebalance[] {
  return groups.flatMap(({ group, members, partitions }) => {
    const heard = heartbeatIntervalMs(sessionTimeoutSeconds * 1000) / 1000;
    const round = heard + (members * costs.rebalanceMilliseconds.value) / 1e3;
    const moving = Math.ceil(partitions / members);
    const of = (event: string, stood: number, seconds: number, because: string): Rebalance => ({
      group,
      members,
      event,
      partitions: stood,
      seconds,
      because,
    });
    return [
      of('a member stops', moving, round, 'everyone hears of it at the next heartbeat and joins again'),
      of('a member is lost', moving, sessionTimeoutSeconds + round, 'first its session has to run out'),
      of('a member joins', moving, 2 * round, 'its partitions are given up in one round and given to it in the next'),
      of('all restarted, one after the other', moving, members * 3 * round, 'each stops and joins'),
    ];
  });
}
