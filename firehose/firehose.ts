/** What the parts of a firehose node share: its journals, its open streams and what they run on. */
import type { Logger } from 'pino';
import type { TokenVerifier } from '../protocol/claims/verifier.ts';
import { Problem } from '../protocol/http/problem.ts';
import type { Log } from '../protocol/log/log.ts';
import type { FirehoseConfig } from './config.ts';
import type { Consumers } from './consumers/consumers.ts';
import { type Journals, JournalsNotOpenError } from './journals/journals.ts';
import { LogEnds } from './journals/log-ends.ts';
import type { FirehoseMetrics } from './metrics.ts';
import type { Placement } from './nodes/placement.ts';
import type { PositionContext } from './request/start-position.ts';
import type { LiveTail } from './stream/live-tail.ts';
import type { Scheduler } from './stream/scheduler.ts';
import type { Streams } from './stream/streams.ts';
import type { Standing, StreamSurroundings } from './stream/surroundings.ts';

export interface FirehoseParts {
  readonly log: Log;
  readonly verifier: TokenVerifier;
  readonly logger: Logger;
  readonly config: FirehoseConfig;
  readonly journals: Journals;
  readonly consumers: Consumers;
  readonly streams: Streams;
  readonly tail: LiveTail;
  readonly scheduler: Scheduler;
  readonly metrics: FirehoseMetrics;
  /** What this node is called among its like. */
  readonly nodeId: string;
  readonly placement: Pick<Placement, 'check' | 'checkStream'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface Firehose extends FirehoseParts {
  readonly surroundings: StreamSurroundings;
  /** @throws {Problem} unavailable */
  positionContext(client: string): PositionContext;
  /** Where a client's journal stands, seen from an offset. */
  standing(client: string, after: number): Standing;
}

export function assembleFirehose(parts: FirehoseParts): Firehose {
  const { journals, streams, config, log, now } = parts;
  const retentionMs = config.journal.retentionMs || undefined;
  const logEnds = new LogEnds(log, now);

  function standing(client: string, after: number): Standing {
    const journal = journals.of(client);
    const lag = journal.count(client, after);
    return {
      latest: journal.head(client),
      lag,
      hash: journal.hashAt(client, after),
      retentionExpiresInMs: lag === 0 || retentionMs === undefined ? null : expiresIn(client, after, retentionMs),
    };
  }

  /** Whole volumes are retired, by the age of their latest message: never before the message itself is so old. */
  function expiresIn(client: string, after: number, retention: number): number | null {
    const found = journals.of(client).entries({ client, after, maxCount: 1 });
    if (found.kind === 'retired') return 0;
    const time = found.entries[0]?.time;
    return time === undefined ? null : Math.max(0, time + retention - now());
  }

  const surroundings: StreamSurroundings = {
    tail: parts.tail,
    scheduler: parts.scheduler,
    logger: parts.logger,
    chunkBytes: config.chunkBytes,
    stuckMs: config.stuckMs,
    standing,
    untilSettleMs: config.untilSettleMs,
    journaled: (client) => journals.of(client).bounds().position,
    head: (client) => journals.of(client).head(client),
    offsetAtTime: (client, time) => journals.of(client).offsetAtTime(client, time),
    logEnd: (client, since) => logEnds.after(since, journals.partitionOf(client)),
    ended(stream, reason) {
      streams.remove(stream);
      parts.metrics.ended(reason, stream.progress.messages, stream.progress.bytes);
    },
    now,
  };

  return {
    ...parts,
    surroundings,
    standing,
    positionContext(client) {
      try {
        const journal = journals.of(client);
        const logEnd = () => logEnds.after(now(), journals.partitionOf(client));
        return { client, epoch: journals.epoch, journal, logEnd };
      } catch (cause) {
        if (!(cause instanceof JournalsNotOpenError)) throw cause;
        throw new Problem('unavailable', 'The journals are not open yet.', { retryAfterSeconds: 1, cause });
      }
    },
  };
}
