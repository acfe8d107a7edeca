/**
 * `POST /v1/firehose/plan`: what a request would bring if it were opened now, without opening it.
 *
 * It reads as the stream would, for a bounded time; where that is not enough it says so and extrapolates.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { wantedSource } from '../filter/wanted.ts';
import type { Firehose } from '../firehose.ts';
import { clientLimits } from '../limits.ts';
import { parseStreamRequest } from '../request/parse-request.ts';
import { refuseQuery } from '../request/query-request.ts';
import { lastWantedNow, type PositionContext, startPosition } from '../request/start-position.ts';
import type { From, StreamRequest } from '../request/stream-request.ts';
import { lowerRate, Pacer } from '../stream/pacer.ts';
import type { Source } from '../stream/source.ts';
import { authorisedHere } from './authorisation.ts';
import { grantedRate } from './open-stream.ts';
import { OPENS_STREAM } from './route-problems.ts';

/** Time of this node that one answer may cost. */
const BUDGET_MS = 200;

interface Sample {
  readonly messages: number;
  readonly bytes: number;
  /** Messages looked at, wanted or not. */
  readonly seen: number;
  readonly complete: boolean;
}

export async function registerPlanRoute(server: FastifyInstance, firehose: Firehose): Promise<void> {
  const authorised = authorisedHere(firehose);
  server.post(
    '/v1/firehose/plan',
    {
      config: OPENS_STREAM,
      schema: { tags: ['firehose'], summary: 'What a stream would send, and how long it would take' },
    },
    async (request) => {
      const { claims, configuration } = await authorised(request);
      const { client } = claims;
      refuseQuery(request.query);
      const wanted = parseStreamRequest(request.body);
      const context = firehose.positionContext(client);
      const from = consumerPosition(firehose, client, wanted.from);
      const { after, gap } = await startPosition({ ...wanted, from }, context);
      const until = lastWantedNow(wanted.until, context);
      const source = wantedSource(() => firehose.journals.of(client), client, wanted);
      const sample = await read(source, after, until, firehose.config.chunkBytes);
      const total = context.journal.count(client, after) - context.journal.count(client, until);
      const factor = sample.complete || sample.seen === 0 ? 1 : total / sample.seen;
      const messages = Math.round(sample.messages * factor);
      const bytes = Math.round(sample.bytes * factor);
      const rate = lowerRate(clientLimits(configuration, firehose.config).rate, wanted.maxRate);
      const seconds = new Pacer(rate, 0).secondsFor(messages, bytes);
      return {
        epoch: context.epoch,
        offset: after,
        until,
        until_time: openEnd(wanted, context),
        gap: gap ?? null,
        exact: sample.complete,
        messages,
        bytes,
        rate: grantedRate(rate),
        seconds_at_granted_rate: seconds === 0 ? null : seconds,
      };
    },
  );
}

/** The time that the stream would end at, as long as messages that are early enough may still come; null where it has no such end. */
function openEnd({ until, follow }: StreamRequest, { client, journal }: PositionContext): string | null {
  if (!follow || until?.kind !== 'time' || journal.offsetAtTime(client, until.time) !== null) return null;
  return new Date(until.time).toISOString();
}

/** Where the consumer would start; it is not taken over. */
function consumerPosition(firehose: Firehose, client: string, from: StreamRequest['from']): From {
  if (from.kind !== 'consumer') return from;
  const consumer = firehose.consumers.get(client, from.name);
  if (consumer === undefined) return { kind: 'earliest' };
  return { kind: 'offset', epoch: consumer.epoch, offset: consumer.offset };
}

async function read(source: Source, after: number, until: number, chunkBytes: number): Promise<Sample> {
  let [position, messages, bytes, seen, spent] = [after, 0, 0, 0, 0];
  while (position < until && spent < BUDGET_MS) {
    const started = performance.now();
    const step = source.next(position, { bytes: chunkBytes, messages: undefined, until });
    if (step.kind === 'retired') {
      position = step.earliest - 1;
      continue;
    }
    position = step.position;
    messages += step.messages;
    bytes += step.bytes;
    seen += step.messages + step.skipped;
    if (step.end) return { messages, bytes, seen, complete: true };
    spent += performance.now() - started;
    await turn();
  }
  return { messages, bytes, seen, complete: position >= until };
}
