/** Sends one image, again and again until the answer is final; its idempotency key makes the repeats harmless. */
import { Backoff, pause } from './backoff.ts';
import { type Connection, send, TransientError } from './connection.ts';
import { uuidv7 } from './uuid.ts';

export interface Submission {
  /** Named by the client: 1 to 128 letters, digits, '.', '_', '~' or '-'. */
  readonly transaction: string;
  /** The encoded image. */
  readonly image: Uint8Array | Blob;
  /** File name, for people. */
  readonly name?: string;
  /** Sent again under the same key an image is taken in once. Default: a new UUIDv7. */
  readonly idempotencyKey?: string;
  /** How long to go on trying, ms. Default 60,000. */
  readonly timeoutMs?: number;
  /** Told of every try that failed and is to be made again after a pause. */
  readonly onRetry?: (error: TransientError, pauseMs: number) => void;
  readonly signal?: AbortSignal;
}

export interface AcceptedImage {
  readonly transaction: string;
  /** The image's id, which messages about it carry as `imageId`. */
  readonly image: string;
  readonly media_type: string;
  readonly width: number;
  readonly height: number;
  readonly size: number;
}

/**
 * @throws {ProblemError} the image is refused
 * @throws {TransientError} it could not be handed over in time; submit it again under the same key
 */
export async function submit(connection: Connection, submission: Submission): Promise<AcceptedImage> {
  const { transaction, image, name, signal, timeoutMs = 60_000 } = submission;
  const query = name === undefined ? '' : `?${new URLSearchParams({ name })}`;
  const path = `/v1/transactions/${encodeURIComponent(transaction)}/images${query}`;
  const headers = {
    'content-type': image instanceof Blob && image.type !== '' ? image.type : 'application/octet-stream',
    'idempotency-key': submission.idempotencyKey ?? uuidv7(Date.now()),
  };
  const body = (image instanceof Blob ? image : new Uint8Array(image)) as NonNullable<RequestInit['body']>;
  const deadline = Date.now() + timeoutMs;
  const backoff = new Backoff();
  for (;;) {
    try {
      const response = await send(connection, path, { method: 'POST', headers, body, signal: signal ?? null });
      const { images } = (await response.json()) as { images: Omit<AcceptedImage, 'transaction'>[] };
      return { transaction, ...images[0]! };
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      const pauseMs = Math.max(backoff.next(), error.retryAfterMs ?? 0);
      if (Date.now() + pauseMs > deadline) throw error;
      submission.onRetry?.(error, pauseMs);
      await pause(pauseMs, signal);
    }
  }
}
