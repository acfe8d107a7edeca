/**
 * One client as a program of a customer would be: submits images, repeats what was not acknowledged under the same
 * key, holds the firehose open and resumes it, and has everything checked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { TokenSource } from './client-tokens.ts';
import { type FinishedImage, type SeenMessage, StreamChecker } from './stream-checker.ts';

export interface LoadClientOptions {
  /** Where images go, and the firehose comes from where that is elsewhere. */
  readonly url: string;
  readonly firehoseUrl?: string;
  readonly token: TokenSource;
  /** Encoded image and its media type. */
  readonly image: Uint8Array;
  readonly mediaType: string;
  readonly now: () => number;
  readonly onFinished?: (image: FinishedImage) => void;
}

/** The firehose will not give this stream, however often it is asked; the message is its answer. */
export class StreamRefused extends Error {
  override readonly name = 'StreamRefused';
  readonly status: number;

  constructor(status: number, text: string) {
    super(`the firehose answered ${status}: ${text}`);
    this.status = status;
  }
}

export interface SubmissionCounts {
  accepted: number;
  /** Answered 429 or 503: refused early, as promised; repeated if the caller wants to. */
  refused: number;
  /** Anything else: no answer, a broken connection, an error of the server. */
  failed: number;
}

const RETRY_MS = 200;
const SUBMIT_TIMEOUT_MS = 30_000;
/** A stream says something at least this often, or it is taken for dead. */
const HEARTBEAT_MS = 1_000;
const SILENCE_MS = 10_000;
/** A position of another epoch, a retired one, one in the future: no later try will be answered otherwise. */
const GONE = new Set([409, 410, 416]);

export class LoadClient {
  readonly checker: StreamChecker;
  readonly counts: SubmissionCounts = { accepted: 0, refused: 0, failed: 0 };
  readonly #options: LoadClientOptions;
  readonly #agent = new Agent({ connections: 64, pipelining: 1 });
  readonly #stop = new AbortController();
  #epoch = '';
  #reading: Promise<void> = Promise.resolve();

  private constructor(options: LoadClientOptions, from: number, epoch: string) {
    this.#options = options;
    this.#epoch = epoch;
    this.checker = new StreamChecker(from, options.onFinished);
  }

  /** Begins to read after what is there now. */
  static async open(options: LoadClientOptions): Promise<LoadClient> {
    const hello = await firstFrame(options);
    const client = new LoadClient(options, hello.latest, hello.epoch);
    client.#reading = client.#read();
    return client;
  }

  /**
   * @param image in place of the client's own
   * @returns the image's id, or undefined where it was not accepted
   */
  async submit(transaction: string, key: string, image = this.#options.image): Promise<string | undefined> {
    const at = this.#options.now();
    try {
      const response = await request(`${this.#options.url}/v1/transactions/${transaction}/images`, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: {
          authorization: `Bearer ${await this.#options.token()}`,
          'content-type': this.#options.mediaType,
          'idempotency-key': key,
        },
        body: image,
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(SUBMIT_TIMEOUT_MS)]),
      });
      const text = await response.body.text();
      if (response.statusCode === 202) return this.#accepted(text, at);
      if (response.statusCode === 429 || response.statusCode === 503) this.counts.refused += 1;
      else this.counts.failed += 1;
    } catch {
      this.counts.failed += 1;
    }
    return undefined;
  }

  /** Repeats under the same key until accepted, as a careful client does, or until `signal` says to give up. */
  async submitSurely(
    transaction: string,
    key: string,
    signal: AbortSignal,
    encoded?: Uint8Array,
  ): Promise<string | undefined> {
    while (!signal.aborted) {
      const image = await this.submit(transaction, key, encoded);
      if (image !== undefined) return image;
      await sleep(RETRY_MS);
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#reading;
    await this.#agent.destroy();
  }

  /** The position is gone: that is a loss, and there is nothing to go on from but the present. */
  async #beginAnew(why: StreamRefused): Promise<void> {
    const { latest, epoch } = await firstFrame(this.#options).catch(() => ({ latest: undefined, epoch: '' }));
    if (latest === undefined) return;
    this.checker.restart(latest, why.message);
    this.#epoch = epoch;
  }

  #accepted(text: string, at: number): string {
    const image: string = JSON.parse(text).images[0].image;
    this.counts.accepted += 1;
    this.checker.accepted(image, at);
    return image;
  }

  async #read(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const from = this.checker.position < 0 ? 'earliest' : { epoch: this.#epoch, offset: this.checker.position };
        for await (const frame of frames(this.#options, from, this.#stop.signal)) {
          if (frame.kind === 'hello') this.#epoch = frame.epoch;
          if (frame.kind === 'message') this.checker.saw(frame as unknown as SeenMessage, this.#options.now());
        }
      } catch (error) {
        // Whatever else it was: what counts is what the stream says once it can be read again.
        if (error instanceof StreamRefused && GONE.has(error.status)) await this.#beginAnew(error);
      }
      await sleep(RETRY_MS);
    }
  }
}

interface Frame {
  readonly kind: string;
  readonly epoch: string;
  readonly latest: number;
}

async function firstFrame(options: LoadClientOptions): Promise<Frame> {
  for await (const frame of frames(options, 'latest', AbortSignal.timeout(SUBMIT_TIMEOUT_MS))) return frame;
  throw new Error('the firehose ended before its first frame');
}

/** @throws {StreamRefused} and whatever a broken or silent connection throws */
async function* frames(options: LoadClientOptions, from: unknown, stop: AbortSignal): AsyncGenerator<Frame> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error('silent')), SILENCE_MS);
  const agent = new Agent({ connections: 1 });
  try {
    const response = await request(`${options.firehoseUrl ?? options.url}/v1/firehose`, {
      method: 'POST',
      dispatcher: agent,
      headers: { authorization: `Bearer ${await options.token()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ from, heartbeat_ms: HEARTBEAT_MS }),
      signal: AbortSignal.any([stop, silence.signal]),
    });
    if (response.statusCode !== 200) throw new StreamRefused(response.statusCode, await response.body.text());
    response.body.setEncoding('utf8');
    let rest = '';
    for await (const text of response.body) {
      timer.refresh();
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) if (line !== '') yield JSON.parse(line);
    }
  } finally {
    clearTimeout(timer);
    await agent.destroy();
  }
}
