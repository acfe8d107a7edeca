/** Starts the summary role: the service that combines the results of a transaction, and the usage of clients. */
import { Counter } from 'prom-client';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import type { Readiness, RoleContext, RunningRole } from '../../protocol/role.ts';
import type { SummaryConfig } from './config.ts';
import { type Summariser, startSummariser } from './summariser.ts';
import { supervise } from './supervisor.ts';
import { usageRoutes } from './usage-routes.ts';

const RESTART_WINDOW_MS = 10 * 60_000;
const RESTART_PAUSE_MS = 1_000;

export async function startSummary(context: RoleContext, config: SummaryConfig): Promise<RunningRole> {
  const { log, verifier, logger } = context;
  const summaries = counter('sluice_summary_summaries_total', 'Summaries given, revisions included');
  const unsound = counter('sluice_summary_unsound_records_total', 'Records of results-1 that were passed over');
  const supervised = await supervise(
    () =>
      startSummariser(
        {
          log,
          verifier,
          logger,
          folder: context.dataFolder,
          now: Date.now,
          onSummaries: (count) => summaries.inc(count),
          onUnsound: () => unsound.inc(),
        },
        config,
      ),
    { restarts: config.restarts, windowMs: RESTART_WINDOW_MS, pauseMs: RESTART_PAUSE_MS },
    (error, restarts) => logger.error({ err: error, restarts }, 'the summaries start again'),
  );
  const { definition } = await log.describeTopic(RESULTS_TOPIC);
  return {
    name: 'summary',
    routes: usageRoutes({
      verifier,
      summariser: supervised.current,
      partitions: definition.partitions,
      now: Date.now,
    }),
    readiness: () => readinessOf(supervised.current(), supervised.givenUp()),
    stop: () => supervised.stop(),
  };

  function counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [context.metrics] });
  }
}

function readinessOf(summariser: Summariser | undefined, givenUp: unknown): Readiness {
  if (givenUp !== undefined) return { ready: false, detail: `given up: ${String(givenUp)}` };
  if (summariser === undefined) return { ready: false, detail: 'starting again' };
  const runners = [...summariser.partitions.values()];
  if (runners.some((runner) => runner.storeFails)) return { ready: false, detail: 'the position cannot be stored' };
  const recovering = runners.filter((runner) => !runner.book.live);
  if (recovering.length === 0) return { ready: true, detail: `${runners.length} partitions` };
  const left = recovering.reduce((sum, { book }) => sum + Math.max(0, book.recoverTo - book.position), 0);
  return {
    ready: false,
    detail: `recovering ${recovering.length} of ${runners.length} partitions, ${left} offsets to go`,
  };
}
