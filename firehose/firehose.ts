/** What the parts of a firehose node share: its journals, its open streams and what they run on. */
import type { Logger } from 'pino';
import type { TokenVerifier } from '../protocol/claims/verifier.ts';
import { Problem } from '../protocol/http/problem.ts';
import type { Log } from '../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../protocol/log/topics.ts';
import type { FirehoseConfig } from './config.ts';
import { type Journals, JournalsNotOpenError } from './journals/journals.ts';
import type { FirehoseMetrics } from './metrics.ts';
import type { PositionContext } from './request/start-position.ts';
import type { LiveTail } from './stream/live-tail.ts';
import type { Scheduler } from './stream/scheduler.ts';
import type { StreamDependencies } from './stream/stream.ts';
import type { Streams } from './stream/streams.ts';

export interface FirehoseParts {
  readonly log: Log;
  readonly verifier: TokenVerifier;
  readonly logger: Logger;
  readonly config: FirehoseConfig;
  readonly journals: Journals;
  readonly streams: Streams;
  readonly tail: LiveTail;
  readonly scheduler: Scheduler;
  readonly metrics: FirehoseMetrics;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface Firehose extends FirehoseParts {
  /** @throws {Problem} unavailable */
  positionContext(client: string): PositionContext;
  streamDependencies(client: string): Omit<StreamDependencies, 'source' | 'format' | 'sink'>;
}

export function assembleFirehose(parts: FirehoseParts): Firehose {
  const { journals, streams, config, log } = parts;
  return {
    ...parts,
    positionContext(client) {
      try {
        const journal = journals.of(client);
        const logEnd = async () => {
          const partition = journals.partitionOf(client);
          const watermarks = await log.watermarks(RESULTS_TOPIC);
          return watermarks.find((mark) => mark.partition === partition)?.end ?? 0;
        };
        return { client, epoch: journals.epoch, journal, logEnd };
      } catch (cause) {
        if (!(cause instanceof JournalsNotOpenError)) throw cause;
        throw new Problem('unavailable', 'The journals are not open yet.', { retryAfterSeconds: 1, cause });
      }
    },
    streamDependencies(client) {
      return {
        tail: parts.tail,
        scheduler: parts.scheduler,
        logger: parts.logger,
        now: parts.now,
        chunkBytes: config.chunkBytes,
        stuckMs: config.stuckMs,
        standing: (after) => {
          const journal = journals.of(client);
          return { latest: journal.head(client), lag: journal.count(client, after) };
        },
        journaled: () => journals.of(client).bounds().position,
        ended: (stream, reason) => {
          streams.remove(stream);
          parts.metrics.ended(reason, stream.messages);
        },
      };
    },
  };
}
