/** Refuses a deployment whose log forgets sooner than its journals: they could not be rebuilt from it. */
import { ConfigError } from '../../protocol/config/load.ts';
import type { Log } from '../../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';

/**
 * @param journalMs how long journals keep entries; 0: for ever
 * @throws {ConfigError}
 */
export async function checkRetention(log: Log, journalMs: number): Promise<void> {
  const { retentionMs = Number.POSITIVE_INFINITY } = (await log.describeTopic(RESULTS_TOPIC)).definition;
  const wanted = journalMs === 0 ? Number.POSITIVE_INFINITY : journalMs;
  if (retentionMs < wanted)
    throw new ConfigError(
      `${RESULTS_TOPIC} keeps records for ${retentionMs} ms, the journal (--firehose-journal-retention-ms) for ` +
        `${journalMs === 0 ? 'ever' : `${journalMs} ms`}: raise --topics-results-retention-ms and run \`sluice topics apply\``,
    );
}
