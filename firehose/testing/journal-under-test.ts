/** A journal with streams over it for one test: appended to, read and timed by the test alone, without log, thread or HTTP. */
import { pino } from 'pino';
import { type JournalReader, openJournalReader } from '../../journal/reader.ts';
import { openJournalWriter } from '../../journal/writer.ts';
import { wantedSource } from '../filter/wanted.ts';
import { ndjson } from '../format/ndjson.ts';
import { entryOfEvent } from '../journaler/entry-of-record.ts';
import type { StreamRequest, Until } from '../request/stream-request.ts';
import { LiveTail } from '../stream/live-tail.ts';
import { Scheduler } from '../stream/scheduler.ts';
import { Stream } from '../stream/stream.ts';
import type { StreamSurroundings } from '../stream/surroundings.ts';
import { MemorySink } from './memory-sink.ts';

export const CLIENT = 'ann';
const EPOCH = 'e1';

export interface Spec {
  readonly client: string;
  readonly type: string;
  readonly transaction: string;
  readonly label: string;
  readonly confidence: number;
  readonly text: string;
  /** Of the message, ms since the epoch; its offset where none is given. */
  readonly time?: number;
}

export interface Connected extends Pick<StreamRequest, 'filter' | 'shard'> {
  readonly chunkBytes: number;
  /** Bytes that the sink takes until it is drained. */
  readonly capacity: number;
  /** Most messages in one write. */
  readonly batch?: number | undefined;
  readonly until?: Until;
}

// biome-ignore lint/suspicious/noExplicitAny: any frame
export type AnyFrame = any;

export class JournalUnderTest {
  readonly #writer;
  readonly #reader: JournalReader;
  readonly #tail = new LiveTail();
  readonly #scheduler = new Scheduler();
  readonly #surroundings: Omit<StreamSurroundings, 'chunkBytes'>;
  /** The client's, as they lie in the journal. */
  readonly frames: AnyFrame[] = [];
  #offset = 0;

  /** @param instead what a stream finds around it instead, given what it would find */
  constructor(folder: string, instead: (around: StreamSurroundings) => Partial<StreamSurroundings> = () => ({})) {
    this.#writer = openJournalWriter(folder, { epoch: EPOCH, now: 0, segmentBytes: 600 });
    this.#reader = openJournalReader(folder);
    const around: StreamSurroundings = {
      tail: this.#tail,
      scheduler: this.#scheduler,
      logger: pino({ level: 'silent' }),
      chunkBytes: 0,
      stuckMs: 1e9,
      standing: (client, offset) => ({
        latest: this.#reader.head(client),
        lag: this.#reader.count(client, offset),
        hash: this.#reader.hashAt(client, offset),
        retentionExpiresInMs: null,
      }),
      untilSettleMs: 0,
      journaled: () => this.position,
      head: (client) => this.#reader.head(client),
      offsetAtTime: (client, time) => this.#reader.offsetAtTime(client, time),
      logEnd: async () => this.position,
      ended: () => {},
      now: Date.now,
    };
    this.#surroundings = { ...around, ...instead(around) };
  }

  get head(): number {
    return this.#reader.head(CLIENT);
  }

  /** Offset of the next record that the journal takes in. */
  get position(): number {
    return this.#reader.bounds().position;
  }

  /** Commits them at once; streams that wait are told in a later turn, as they are of what another thread commits. */
  append(specs: readonly Spec[]): void {
    const entries = specs.map(({ client, type, transaction, time, ...payload }) => {
      this.#offset += 1 + (this.#offset % 3);
      const event = {
        client,
        type,
        correlationId: transaction,
        messageId: `m${this.#offset}`,
        eventTime: time ?? this.#offset,
        token: '',
        traceparent: '',
        payload: new Uint8Array(),
      };
      return entryOfEvent(this.#offset, event, payload);
    });
    const { segments } = this.#writer.appendBatch({ entries, position: ++this.#offset, epoch: EPOCH, now: 0 });
    for (const segment of segments) {
      if (segment.client !== CLIENT) continue;
      for (const line of segment.data.toString().trimEnd().split('\n')) this.frames.push(JSON.parse(line));
    }
    setImmediate(() => {
      for (const segment of segments) this.#tail.appended(segment);
    });
  }

  connect(after: number, given: Connected) {
    const sink = new MemorySink(given.capacity);
    const source = wantedSource(() => this.#reader, CLIENT, given);
    const plan = {
      client: CLIENT,
      epoch: EPOCH,
      after,
      until: given.until,
      follow: true,
      rate: { messages: undefined, bytes: undefined },
      batch: { messages: given.batch, waitMs: 0 },
      heartbeatMs: 1e9,
      onGap: 'fail' as const,
      expiry: { at: Number.MAX_SAFE_INTEGER, reason: 'token_expired' as const },
      consumer: undefined,
    };
    const around = { ...this.#surroundings, chunkBytes: given.chunkBytes };
    const stream = new Stream('s', plan, { source, format: ndjson, sink }, around);
    stream.start({
      kind: 'hello',
      stream: 's',
      epoch: EPOCH,
      offset: after,
      earliest: null,
      latest: 0,
      rate: { messages: null, bytes: null },
      heartbeat_ms: 1,
      hash: null,
    });
    return {
      stream,
      sink,
      frames: (): AnyFrame[] =>
        sink.data
          .toString()
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line)),
      close: () => stream.end('closed', 0),
    };
  }

  close(): void {
    this.#reader.close();
    this.#writer.close();
  }
}
