/**
 * `npm run simulate -- [--connections 1000000] [--messages 100000] …`: what a load needs, where the design breaks first, and
 * what a cluster of that size does when nodes come and go. Tables on stderr, JSON on stdout; docs/simulation.md explains both.
 */
import { Command } from 'commander';
import { notNegative, positive, runProgram } from '../command-line.ts';
import { loadRuns } from '../results.ts';
import { planFor } from './capacity.ts';
import { clusterCosts, clusterLoad, clusterShape } from './cluster-of-plan.ts';
import { costsFrom, documentedCosts } from './costs.ts';
import { DEFAULT_OPTIONS, SCENARIOS, simulate } from './scenarios.ts';
import { reportTables } from './simulate-report.ts';
import { checkInputs, DEFAULT_SHAPE, DEFAULT_WORKLOAD } from './workload.ts';

interface Options {
  readonly connections: number;
  readonly clients?: number;
  readonly messages: number;
  readonly messageBytes: number;
  readonly largestShare: number;
  readonly copies: number;
  readonly partitionsPerNode: number;
  readonly everyNodeJournalsAll?: boolean;
  readonly down: number;
  readonly drainSpread: number;
  readonly seed: number;
  readonly bench: string;
}

const command = new Command('simulate')
  .description('Says what a load needs, where the design breaks first, and what failing and restarting nodes do to it')
  .option('--connections <n>', 'Open streams', notNegative, DEFAULT_WORKLOAD.connections)
  .option('--clients <n>', 'Clients that they belong to; one connection each otherwise', notNegative)
  .option('--messages <n>', 'Messages a second on results-1', notNegative, DEFAULT_WORKLOAD.messagesPerSecond)
  .option('--message-bytes <n>', 'Bytes of one as it is delivered', notNegative, DEFAULT_WORKLOAD.messageBytes)
  .option(
    '--largest-share <x>',
    "The busiest client's share of all messages",
    notNegative,
    DEFAULT_WORKLOAD.largestClientShare,
  )
  .option('--copies <n>', 'Firehose nodes that journal each partition', notNegative, DEFAULT_SHAPE.copies)
  .option('--partitions-per-node <n>', 'Partitions of results-1', positive, DEFAULT_SHAPE.partitionsPerNode)
  .option('--every-node-journals-all', 'A group of nodes without assignment of partitions')
  .option('--down <seconds>', 'How long a node is away', notNegative, DEFAULT_OPTIONS.downSeconds)
  .option('--drain-spread <seconds>', 'firehose.drainSpreadMs', notNegative, DEFAULT_OPTIONS.drainSpread)
  .option('--seed <n>', 'Who comes back when', notNegative, DEFAULT_OPTIONS.seed)
  .option('--bench <folder>', 'Results of benchmarks that replace the documented costs', '.bench')
  .action(main);

async function main(options: Options): Promise<void> {
  const workload = {
    ...DEFAULT_WORKLOAD,
    connections: options.connections,
    clients: options.clients ?? options.connections,
    messagesPerSecond: options.messages,
    messageBytes: options.messageBytes,
    largestClientShare: options.largestShare,
  };
  const shape = {
    ...DEFAULT_SHAPE,
    copies: options.copies,
    partitionsPerNode: options.partitionsPerNode,
    everyNodeJournalsAll: options.everyNodeJournalsAll ?? false,
  };
  checkInputs(workload, shape);
  const costs = costsFrom(documentedCosts(), await loadRuns(options.bench));
  const plan = planFor(costs, workload, shape);
  const scenarioOptions = {
    ...DEFAULT_OPTIONS,
    downSeconds: options.down,
    drainSpread: options.drainSpread,
    seed: options.seed,
  };
  // A plan that no number of nodes meets has nothing to simulate: the bounds say why.
  const outcomes = Number.isFinite(plan.firehoseNodes)
    ? SCENARIOS.map((scenario) =>
        simulate(
          scenario,
          clusterCosts(costs, workload),
          clusterShape(plan, shape),
          clusterLoad(workload),
          scenarioOptions,
        ),
      )
    : [];
  const report = { workload, shape, costs, plan, outcomes };
  process.stderr.write(`${reportTables(report)}\n`);
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
}

await runProgram(command);
