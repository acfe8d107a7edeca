/**
 * A firehose that does not end when its connection does: it reconnects, resumes after the last message that was handed
 * out, drops what comes twice, and proves by the `prev` chain that nothing is missing.
 *
 * Back-pressure is the iterator's own: while nobody asks for a message nothing is read from the connection.
 */

import type { Bookmark, CaughtUp, Frame, Goodbye, Hello, Message } from '../../protocol/frames.ts';
import { Backoff, pause } from './backoff.ts';
import { Checkpoints } from './checkpoints.ts';
import { type Connection, send, TransientError } from './connection.ts';
import { GapError, ProblemError, StreamEndedError } from './errors.ts';
import { jsonLines } from './json-lines.ts';
import { Silence } from './silence.ts';

export type FirehoseFrom =
  | 'earliest'
  | 'latest'
  | { readonly offset: number; readonly epoch?: string }
  | { readonly time: string }
  | { readonly consumer: string };

export interface FirehoseFilter {
  readonly types?: readonly string[];
  readonly transactions?: readonly string[];
  readonly labels?: readonly string[];
  readonly min_confidence?: number;
  readonly expression?: string;
}

/** What happens besides messages. */
export type FirehoseEvent =
  | { readonly kind: 'connected'; readonly hello: Hello }
  | { readonly kind: 'progress'; readonly bookmark: Bookmark }
  | { readonly kind: 'caught_up'; readonly frame: CaughtUp }
  | { readonly kind: 'gap'; readonly error: GapError }
  | { readonly kind: 'disconnected'; readonly cause: unknown; readonly pauseMs: number };

export interface FirehoseOptions {
  /** Where to begin. Default 'latest'. */
  readonly from?: FirehoseFrom;
  /** The last offset wanted, or a time, also one to come: messages before the first one that is not earlier. Default: none. */
  readonly until?: { readonly offset: number; readonly epoch?: string } | { readonly time: string };
  /** false: end when everything that is there now has been handed out. Default true. */
  readonly follow?: boolean;
  readonly filter?: FirehoseFilter;
  readonly max_rate?: { readonly messages?: number; readonly bytes?: number };
  readonly shard?: { readonly index: number; readonly count: number };
  readonly heartbeat_ms?: number;
  /** What to do when messages are missing: throw a GapError (default), or tell `onEvent` and go on. */
  readonly gap?: 'fail' | 'continue';
  /** Of a named consumer: how often its checkpoint is written, ms. It is moved past a message once the next one is asked for. Default 1,000. */
  readonly checkpointMs?: number;
  /** Let the server compress the stream: less traffic, more work. Default false; a browser always does. */
  readonly compress?: boolean;
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: FirehoseEvent) => void;
}

/** A connection silent for so many heartbeats is taken for dead. */
const SILENT_HEARTBEATS = 3;

/**
 * @throws {ProblemError} the request is refused
 * @throws {GapError} messages are missing
 * @throws {StreamEndedError} the server ended the stream for good
 */
export async function* firehose(connection: Connection, options: FirehoseOptions): AsyncGenerator<Message> {
  const { from, checkpointMs } = options;
  const consumer = typeof from === 'object' && 'consumer' in from ? from.consumer : undefined;
  const checkpoints = consumer === undefined ? undefined : new Checkpoints(connection, consumer, checkpointMs);
  const follower = new Follower(options, checkpoints);
  try {
    yield* followOn(connection, follower, options);
  } finally {
    await checkpoints?.finish();
  }
}

/** Connection after connection, until one ends for good. */
async function* followOn(
  connection: Connection,
  follower: Follower,
  options: FirehoseOptions,
): AsyncGenerator<Message> {
  const backoff = new Backoff();
  while (!options.signal?.aborted) {
    let pauseMs: number;
    try {
      const goodbye = yield* follow(connection, follower, backoff);
      if (goodbye.reason === 'until') return;
      if (goodbye.terminal) throw new StreamEndedError(goodbye);
      pauseMs = goodbye.retry_after_ms;
      options.onEvent?.({ kind: 'disconnected', cause: goodbye, pauseMs });
    } catch (error) {
      if (options.signal?.aborted) return;
      if (!(error instanceof TransientError)) throw error;
      pauseMs = Math.max(backoff.next(), error.retryAfterMs ?? 0);
      options.onEvent?.({ kind: 'disconnected', cause: error, pauseMs });
    }
    await pause(pauseMs, options.signal).catch(() => {});
  }
}

/** One connection, from its request to its goodbye. */
async function* follow(connection: Connection, follower: Follower, backoff: Backoff): AsyncGenerator<Message, Goodbye> {
  const silence = new Silence(follower.options.signal);
  try {
    const response = await openStream(connection, follower, silence.signal);
    for await (const frames of readFrames(response, silence)) {
      for (const frame of frames) {
        if (frame.kind === 'message') {
          if (!follower.takes(frame)) continue;
          yield frame;
          follower.handled(frame.offset);
        } else if (frame.kind === 'goodbye') return frame;
        else {
          if (frame.kind === 'hello') {
            silence.expect(frame.heartbeat_ms * SILENT_HEARTBEATS);
            backoff.succeeded();
          }
          follower.hears(frame);
        }
      }
    }
    throw new TransientError('the connection ended without a goodbye');
  } finally {
    silence.end();
  }
}

async function openStream(connection: Connection, follower: Follower, signal: AbortSignal): Promise<Response> {
  try {
    return await send(connection, '/v1/firehose', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/x-ndjson',
        ...(follower.options.compress !== true && { 'accept-encoding': 'identity' }),
      },
      body: JSON.stringify(follower.request()),
      signal,
    });
  } catch (error) {
    if (error instanceof ProblemError && error.status === 410) {
      const { asked, earliest } = error.problem as { asked: number; earliest: number };
      throw new GapError(asked, earliest, 'they have been retired', { cause: error });
    }
    throw signal.aborted ? broken(signal.reason) : error;
  }
}

async function* readFrames(response: Response, silence: Silence): AsyncGenerator<Frame[]> {
  try {
    for await (const frames of jsonLines(response.body!)) {
      // The time that the consumer takes over its messages is not the server's silence.
      silence.heard();
      yield frames as Frame[];
      silence.heard();
    }
  } catch (error) {
    throw broken(error);
  }
}

function broken(cause: unknown): unknown {
  return cause instanceof GapError ? cause : new TransientError('the connection broke', undefined, { cause });
}

/** Where the iteration stands, and whether what comes fits. */
class Follower {
  readonly options: FirehoseOptions;
  readonly #complete: boolean;
  readonly #checkpoints: Checkpoints | undefined;
  #epoch: string | undefined;
  #stream = '';
  /** Everything up to here was handed out or dropped by the filter. */
  #position: number | undefined;

  constructor(options: FirehoseOptions, checkpoints: Checkpoints | undefined) {
    this.options = options;
    this.#checkpoints = checkpoints;
    this.#complete = options.filter === undefined && options.shard === undefined;
  }

  /** The body of the next request. */
  request(): Record<string, unknown> {
    const { until, follow, filter, max_rate, shard, heartbeat_ms } = this.options;
    this.#checkpoints?.connected('');
    // A consumer asks by its name again, to have it back; what it has had since its checkpoint is dropped as it comes.
    const resumed = this.#position !== undefined &&
      this.#checkpoints === undefined && { epoch: this.#epoch, offset: this.#position };
    const on_gap = this.options.gap === 'continue' ? 'earliest' : 'fail';
    const from = resumed || (this.options.from ?? 'latest');
    return { from, until, follow, filter, max_rate, shard, heartbeat_ms, on_gap };
  }

  /** Whether the message is one to hand out. @throws {GapError} */
  takes({ offset, prev }: Message): boolean {
    const position = this.#position!;
    if (offset <= position) return false;
    if (this.#complete && prev > position) this.#miss(new GapError(position, offset, 'the stream left them out'));
    this.#position = offset;
    return true;
  }

  /** The consumer of the iterator is done with the message. */
  handled(offset: number): void {
    this.#checkpoints?.handled({ epoch: this.#epoch!, offset, stream: this.#stream });
  }

  hears(frame: Exclude<Frame, Message | Goodbye>): void {
    if (frame.kind === 'hello') {
      const { gap } = frame;
      if (gap !== undefined) this.#miss(new GapError(gap.asked, gap.earliest, 'they have been retired'));
      this.#epoch = frame.epoch;
      this.#stream = frame.stream;
      this.#checkpoints?.connected(frame.stream);
      this.#position = gap === undefined ? Math.max(frame.offset, this.#position ?? -1) : frame.offset;
      this.options.onEvent?.({ kind: 'connected', hello: frame });
    } else if (frame.kind === 'bookmark') {
      // What is still on its way to the consumer is not behind the bookmark: frames are handed out in order.
      if (!this.#complete) this.#position = Math.max(this.#position!, frame.offset);
      this.options.onEvent?.({ kind: 'progress', bookmark: frame });
    } else if (frame.kind === 'caught_up') this.options.onEvent?.({ kind: 'caught_up', frame });
  }

  #miss(error: GapError): void {
    if (this.options.gap !== 'continue') throw error;
    this.options.onEvent?.({ kind: 'gap', error });
  }
}
