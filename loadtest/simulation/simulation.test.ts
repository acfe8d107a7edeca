import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BenchRun } from '../results.ts';
import { SUITES } from '../suites.ts';
import { planFor } from './capacity.ts';
import { STEP } from './cluster.ts';
import type { ClusterCosts, ClusterLoad, ClusterShape } from './cluster-inputs.ts';
import { costsFrom, documentedCosts } from './costs.ts';
import { rebalancesOf } from './rebalances.ts';
import { DEFAULT_OPTIONS, SCENARIOS, simulate } from './scenarios.ts';
import { checkInputs, DEFAULT_SHAPE, DEFAULT_WORKLOAD } from './workload.ts';

const costs: ClusterCosts = {
  journalRate: 10_000,
  deliverySeconds: 30e-6,
  catchUpSeconds: 1e-6,
  openSeconds: 1e-3,
  bytesPerSecond: 1e9,
  messageBytes: 600,
};
const options = { ...DEFAULT_OPTIONS, downSeconds: 3, drainSpread: 2, patienceSeconds: 60 };

/** A cluster, and a load that it carries with a third of its nodes gone. */
const clusters = fc
  .record({
    nodes: fc.integer({ min: 3, max: 12 }),
    perNode: fc.integer({ min: 1, max: 4 }),
    copies: fc.integer({ min: 2, max: 3 }),
    connectionsPerNode: fc.integer({ min: 1, max: 500 }),
    messagesPerSecond: fc.integer({ min: 0, max: 2_000 }),
    fanOut: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ nodes, perNode, copies, connectionsPerNode, messagesPerSecond, fanOut }) => ({
    shape: {
      nodes,
      partitions: nodes * perNode,
      copies,
      streamsPerNode: 1_000,
      firstBackoff: 0.25,
      longestBackoff: 15,
    } satisfies ClusterShape,
    load: {
      connections: nodes * connectionsPerNode,
      clients: Math.ceil((nodes * connectionsPerNode) / fanOut),
      messagesPerSecond,
    } satisfies ClusterLoad,
  }));

test('whatever happens, every message is delivered to every connection or still owed to it, and no connection is lost', () => {
  fc.assert(
    fc.property(clusters, fc.constantFrom(...SCENARIOS), fc.integer(), ({ shape, load }, scenario, seed) => {
      const outcome = simulate(scenario, costs, shape, load, { ...options, seed });
      const tolerance = 1e-6 * Math.max(1, outcome.due);
      expect(Math.abs(outcome.due - outcome.delivered - outcome.owed)).toBeLessThan(tolerance);
      expect(outcome.owed).toBeGreaterThan(-tolerance);
      expect(outcome.mostWaiting).toBeLessThanOrEqual(load.connections * (1 + 1e-9));
      expect(Math.abs(outcome.connections - load.connections)).toBeLessThan(1e-6 * load.connections);
    }),
    { numRuns: 60 },
  );
});

test('a load that a cluster carries is carried again after every scenario', () => {
  fc.assert(
    fc.property(clusters, fc.constantFrom(...SCENARIOS), ({ shape, load }, scenario) => {
      const outcome = simulate(scenario, costs, shape, load, options);
      expect(outcome.recoveredAfterSeconds).toBeDefined();
      expect(outcome.busiest).toBeLessThanOrEqual(1 + 1e-9);
    }),
    { numRuns: 40 },
  );
});

test('a node that holds the only copy of a partition takes its readers away with it', () => {
  const shape = { nodes: 3, partitions: 6, copies: 1, streamsPerNode: 1_000, firstBackoff: 0.25, longestBackoff: 15 };
  const outcome = simulate('node lost', costs, shape, { connections: 30, clients: 30, messagesPerSecond: 60 }, options);
  expect(outcome.recoveredAfterSeconds).toBeUndefined();
  expect(outcome.mostWaiting).toBeCloseTo(10);
});

test('a seed gives the same outcome each time', () => {
  const { shape, load } = fc.sample(clusters, { numRuns: 1, seed: 7 })[0]!;
  expect(simulate('node lost', costs, shape, load, options)).toEqual(
    simulate('node lost', costs, shape, load, options),
  );
});

test('twice the nodes never make the loss of all or of one worse', () => {
  fc.assert(
    fc.property(clusters, fc.constantFrom('outage' as const, 'node lost' as const), ({ shape, load }, scenario) => {
      // Without noise: who draws the last moment of all is luck, and more nodes draw otherwise.
      const even = { ...options, random: () => 0.75 };
      const few = simulate(scenario, costs, shape, load, even);
      const many = simulate(scenario, costs, twice(shape), load, even);
      expect(many.recoveredAfterSeconds!).toBeLessThanOrEqual(few.recoveredAfterSeconds! + 2 * STEP + 1e-9);
      expect(many.mostOwed).toBeLessThanOrEqual(few.mostOwed * 1.05 + 1);
      if (scenario === 'node lost') expect(many.mostWaiting).toBeLessThanOrEqual(few.mostWaiting * 1.01);
    }),
    { numRuns: 40 },
  );
});

/** As many partitions as before, so that each node has no more of them. */
function twice(shape: ClusterShape): ClusterShape {
  return { ...shape, nodes: shape.nodes * 2, partitions: shape.partitions * 2 };
}

test('a load that one journaling thread cannot follow never recovers, and one more copy does not help', () => {
  const shape = { nodes: 2, partitions: 4, copies: 1, streamsPerNode: 1_000, firstBackoff: 0.25, longestBackoff: 15 };
  const load = { connections: 10, clients: 10, messagesPerSecond: 25_000 };
  for (const copies of [1, 2]) {
    const outcome = simulate('steady', costs, { ...shape, copies }, load, options);
    expect(outcome.recoveredAfterSeconds).toBeUndefined();
    expect(outcome.mostUnjournaled).toBeGreaterThan(100_000);
  }
});

test('goodbyes that spread readers out open fewer streams at once than a crash', () => {
  const shape = { nodes: 4, partitions: 16, copies: 2, streamsPerNode: 20_000, firstBackoff: 0.25, longestBackoff: 15 };
  const load = { connections: 8_000, clients: 8_000, messagesPerSecond: 100 };
  const cheap = { ...costs, openSeconds: 1e-6 };
  const crash = simulate('node lost', cheap, shape, load, options);
  const drained = simulate('rolling restart', cheap, shape, load, options);
  expect(drained.mostOpensPerSecond).toBeLessThan(crash.mostOpensPerSecond / 2);
});

test('more of any load never needs less of anything', () => {
  const documented = documentedCosts();
  const amounts = (plan: ReturnType<typeof planFor>) => plan.needs.map(({ amount }) => amount);
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 10, noNaN: true }),
      fc.constantFrom('connections' as const, 'messagesPerSecond' as const, 'imageBytes' as const),
      (factor, what) => {
        const more = { ...DEFAULT_WORKLOAD, [what]: DEFAULT_WORKLOAD[what] * factor };
        const [a, b] = [DEFAULT_WORKLOAD, more].map((workload) =>
          amounts(planFor(documented, workload, DEFAULT_SHAPE)),
        );
        // Memory a node is the one thing that more nodes make less of.
        for (const [index, amount] of a!.entries())
          if (planFor(documented, more, DEFAULT_SHAPE).needs[index]!.unit !== 'GiB a node')
            expect(b![index]!).toBeGreaterThanOrEqual(amount * (1 - 1e-9));
      },
    ),
  );
});

test('where every node journals everything no number of nodes carries more than one thread journals', () => {
  const plan = planFor(documentedCosts(), DEFAULT_WORKLOAD, { ...DEFAULT_SHAPE, everyNodeJournalsAll: true });
  expect(plan.firehoseNodes).toBe(Number.POSITIVE_INFINITY);
  expect(plan.bounds[0]).toMatchObject({ what: 'all messages of a group without assignment' });
  expect(plan.bounds[0]!.headroom).toBeLessThan(1);
});

test('identity is asked by connections alone, the summary by messages alone', () => {
  const amount = (role: string, change: Partial<typeof DEFAULT_WORKLOAD>) =>
    planFor(documentedCosts(), { ...DEFAULT_WORKLOAD, ...change }, { ...DEFAULT_SHAPE, spareNodes: 0 })
      .needs.filter((need) => need.role === role)
      .map((need) => need.amount);
  const { connections, messagesPerSecond } = DEFAULT_WORKLOAD;
  const [secrets, keys] = amount('identity', {});
  expect(secrets!).toBeGreaterThan(keys!);
  expect(amount('identity', { connections: connections * 2 })[1]).toBeCloseTo(keys! * 2);
  expect(amount('identity', { messagesPerSecond: messagesPerSecond * 2 })).toEqual([secrets, keys]);
  expect(amount('summary', { connections: connections * 2 })).toEqual(amount('summary', {}));
  expect(amount('summary', { messagesPerSecond: messagesPerSecond * 10 })[0]).toBeGreaterThan(
    amount('summary', {})[0]! * 9,
  );
});

test('in a rebalance only what moves stands still: longer where a member is lost, and the more members join again', () => {
  const group = (members: number) => ({ group: 'g', members, partitions: 2 * members });
  const rebalances = (members: number, shape = DEFAULT_SHAPE) => {
    const events = rebalancesOf(documentedCosts(), shape, [group(members)]);
    return Object.fromEntries(events.map((each) => [each.event, each]));
  };
  for (const members of [1, 10, 300]) {
    const { 'a member stops': stops, 'a member is lost': lost, 'a member joins': joins } = rebalances(members);
    expect(stops!.partitions).toBe(2);
    expect(lost!.seconds - stops!.seconds).toBeCloseTo(DEFAULT_SHAPE.sessionTimeoutSeconds);
    expect(joins!.seconds).toBeCloseTo(2 * stops!.seconds);
    expect(rebalances(members * 2)['a member stops']!.seconds).toBeGreaterThan(stops!.seconds);
  }
  const quick = rebalances(10, { ...DEFAULT_SHAPE, sessionTimeoutSeconds: 1 });
  expect(quick['a member stops']!.seconds).toBeLessThan(rebalances(10)['a member stops']!.seconds / 2);
});

test('a figure of a full benchmark run replaces the documented one and says so; a trial or a failed run does not', () => {
  const documented = documentedCosts();
  const machine = { cpu: 'c', cores: 4, memory_gib: 4, system: 's', node: 'n', load_before: 0, commit: 'abc' };
  const run = (scale: number, median: number | null): BenchRun =>
    ({
      suite: 'ingest',
      about: '',
      time: '2026-01-01T00:00:00Z',
      scale,
      machine,
      cases: [{ name: '16 connections', variants: [{ name: 'gateway', median, also: {} }] }],
    }) as unknown as BenchRun;
  expect(costsFrom(documented, [run(1, 400), run(0.1, 9), run(1, null)]).gatewayRequestsPerCore).toMatchObject({
    value: 100,
    source: 'benchmark ingest of 2026-01-01T00:00:00Z, commit abc',
  });
  expect(costsFrom(documented, [run(0.1, 9)])).toEqual(documented);
});

test('every figure that is said to come from a benchmark names a case and a variant that there are', async () => {
  for (const [name, { bench }] of Object.entries(documentedCosts())) {
    if (bench === undefined) continue;
    const { suite } = await SUITES[bench.suite]!();
    const variants = suite.cases.filter((one) => one.name === bench.case).flatMap((one) => one.variants);
    expect(
      variants.map((variant) => variant.name),
      `${name}: ${suite.cases.map((one) => one.name).join(' | ')}`,
    ).toContain(bench.variant);
  }
});

test('what cannot be meant is refused by name', () => {
  expect(() => checkInputs({ ...DEFAULT_WORKLOAD, webhookShare: 2 }, DEFAULT_SHAPE)).toThrow('webhookShare');
  expect(() => checkInputs({ ...DEFAULT_WORKLOAD, connections: 0 }, DEFAULT_SHAPE)).toThrow('connections');
  expect(() => checkInputs(DEFAULT_WORKLOAD, { ...DEFAULT_SHAPE, copies: Number.NaN })).toThrow('copies');
});

test('the command prints the plan and every scenario', () => {
  const program = fileURLToPath(new URL('./simulate.ts', import.meta.url));
  const args = [program, '--connections', '1000', '--messages', '100', '--down', '2', '--bench', `${tmpdir()}/none`];
  const report = JSON.parse(
    execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  expect(report.outcomes.map(({ scenario }: { scenario: string }) => scenario)).toEqual([...SCENARIOS]);
  expect(report.plan.firehoseNodes).toBeGreaterThan(2);
  expect(new Set(report.plan.rebalances.map(({ group }: { group: string }) => group)).size).toBe(2);
});
