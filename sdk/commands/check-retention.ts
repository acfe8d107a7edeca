/** Holds against the log's retention what must not be forgotten sooner: journals, images in the blob store, keys. */
import { ConfigError } from '../../protocol/config/load.ts';
import type { Log } from '../../protocol/log/log.ts';
import { INGEST_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';

/**
 * The log must keep results at least as long as journals do, or they could not be rebuilt from it.
 * @param journalMs how long journals keep entries; 0: for ever
 * @throws {ConfigError}
 */
export async function checkRetention(log: Log, journalMs: number): Promise<void> {
  const retentionMs = await retentionOf(log, RESULTS_TOPIC);
  const wanted = journalMs === 0 ? Number.POSITIVE_INFINITY : journalMs;
  if (retentionMs < wanted)
    throw new ConfigError(
      `${RESULTS_TOPIC} keeps records for ${retentionMs} ms, the journal (--firehose-journal-retention-ms) for ` +
        `${journalMs === 0 ? 'ever' : `${journalMs} ms`}: raise --topics-results-retention-ms and run \`sluice topics apply\``,
    );
}

/**
 * How long blobs are kept: as long as the log really keeps the events that name them, whatever the settings say, and
 * longer by a margin.
 * @returns milliseconds; infinite where the log never forgets
 */
export async function blobRetention(log: Log, marginMs: number): Promise<number> {
  return (await retentionOf(log, INGEST_TOPIC)) + marginMs;
}

/** How long something that was taken in may lie on the log: an image in ingest-1, and its results from whenever it was worked on. */
export async function imageAndResultsRetention(log: Log): Promise<number> {
  return (await retentionOf(log, INGEST_TOPIC)) + (await retentionOf(log, RESULTS_TOPIC));
}

async function retentionOf(log: Log, topic: string): Promise<number> {
  return (await log.describeTopic(topic)).definition.retentionMs ?? Number.POSITIVE_INFINITY;
}
