/** The tables that a simulation prints, in Markdown: readable in a terminal, and to be pasted into a document. */
import type { Costs } from './costs.ts';
import type { Plan } from './plan.ts';
import type { Outcome } from './scenarios.ts';
import type { Workload } from './workload.ts';

export interface SimulationReport {
  readonly workload: Workload;
  readonly costs: Costs;
  readonly plan: Plan;
  readonly outcomes: readonly Outcome[];
}

export function reportTables({ workload, costs, plan, outcomes }: SimulationReport): string {
  const { connections, clients, messagesPerSecond } = workload;
  return [
    `${short(connections)} open connections of ${short(clients)} clients, ${short(messagesPerSecond)} messages/s`,
    table(
      ['role', 'needs', 'amount', 'because'],
      plan.needs.map(({ role, resource, amount, unit, because, isAssumed }) => [
        role,
        resource,
        `${short(amount)} ${unit}`,
        isAssumed ? `${because} (rests on an assumed figure)` : because,
      ]),
    ),
    'What more machines do not lift, least headroom first: below 1 it is broken.',
    table(
      ['bound', 'limit', 'required', 'headroom', 'because'],
      plan.bounds.map(({ what, limit, required, unit, headroom, because }) => [
        what,
        `${short(limit)} ${unit}`,
        short(required),
        short(headroom),
        because,
      ]),
    ),
    'What rebalances do to groups of consumers: who is not named goes on.',
    table(
      ['group', 'event', 'partitions that stand still', 'for at most', 'because'],
      plan.rebalances.map(({ group, members, event, partitions, seconds, because }) => [
        `${group}: ${short(members)} members`,
        event,
        short(partitions),
        `${short(seconds)} s`,
        because,
      ]),
    ),
    ...overTime(plan, outcomes),
    'Costs.',
    table(
      ['cost', 'value', 'kind', 'source'],
      Object.entries(costs).map(([name, { value, unit, kind, source }]) => [
        name,
        `${short(value)} ${unit}`,
        kind,
        source,
      ]),
    ),
  ].join('\n\n');
}

function overTime({ firehoseNodes }: Plan, outcomes: readonly Outcome[]): string[] {
  if (outcomes.length === 0) return [];
  return [
    `What happens to the ${firehoseNodes} firehose nodes over time.`,
    table(
      ['scenario', 'recovered after', 'most away', 'most delay', 'busiest thread', 'opened a second on one node'],
      outcomes.map((outcome) => [
        outcome.scenario,
        outcome.recoveredAfterSeconds === undefined ? 'not' : `${short(outcome.recoveredAfterSeconds)} s`,
        short(outcome.mostWaiting),
        `${short(outcome.mostDelaySeconds)} s`,
        `${short(outcome.busiest * 100)} %`,
        short(outcome.mostOpensPerSecond),
      ]),
    ),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function short(value: number): string {
  if (!Number.isFinite(value)) return 'without limit';
  return value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 0 });
}
