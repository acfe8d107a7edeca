/**
 * Requests to an S3-compatible service: signed, bounded in time and size, repeated where repeating may help.
 *
 * Every request that the blob store makes may be repeated, so all are: after a broken connection, a time-out, and answers
 * that say "later" (429 and 5xx).
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { BlobUnavailableError } from './blob-store.ts';
import type { S3Settings } from './settings.ts';

const FIRST_PAUSE_MS = 100;
/** Of a body that says what is wrong, or lists objects. */
const MAX_TEXT_BYTES = 4 << 20;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  /** Name of an object; absent: the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly content?: { readonly bytes: Uint8Array; readonly sha256: string };
  /** Most bytes of the answer; a longer one is cut off after the byte that is too many. */
  readonly maxBytes?: number;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export class S3Requests {
  readonly #settings: S3Settings;
  /** Keys derived for signing, one a day. */
  readonly #signingKeys = new Map<string, ArrayBuffer>();

  constructor(settings: S3Settings) {
    this.#settings = settings;
  }

  /** @returns the answer of any status that repeating would not change @throws {BlobUnavailableError} */
  async send(request: S3Request): Promise<S3Answer> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(request).catch((cause: unknown) => cause);
      if (isAnswer(outcome) && !isPassing(outcome.status)) return outcome;
      if (outcome instanceof BlobUnavailableError) throw outcome;
      if (attempt >= this.#settings.attempts)
        throw isAnswer(outcome)
          ? unavailable(request, outcome)
          : new BlobUnavailableError(`the blob store does not answer: ${explain(outcome)}`, { cause: outcome });
      await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random()));
    }
  }

  async #attempt({ method, key, query, content, maxBytes = MAX_TEXT_BYTES }: S3Request): Promise<S3Answer> {
    const signed = await new AwsV4Signer({
      method,
      url: this.#urlOf(key, query),
      headers: { 'x-amz-content-sha256': content?.sha256 ?? EMPTY_SHA256 },
      service: 's3',
      region: this.#settings.region,
      cache: this.#signingKeys,
      ...(await this.#credentials()),
    }).sign();
    const response = await fetch(signed.url, {
      method,
      headers: signed.headers,
      body: (content?.bytes as Uint8Array<ArrayBuffer>) ?? null,
      redirect: 'manual',
      signal: AbortSignal.timeout(this.#settings.timeoutMs),
    });
    const { status, headers } = response;
    return { status, headers, body: await readUpTo(response, status === 200 ? maxBytes : MAX_TEXT_BYTES) };
  }

  #urlOf(key: string | undefined, query: Readonly<Record<string, string>> = {}): string {
    const { endpoint, region, bucket, pathStyle } = this.#settings;
    const url = new URL(endpoint || `https://s3.${region}.amazonaws.com`);
    if (!pathStyle) url.hostname = `${bucket}.${url.hostname}`;
    const base = url.pathname.replace(/\/$/, '');
    // As the signature has it: what may stand in a path as it is, is encoded nevertheless.
    const encodedKey = key?.split('/').map(encodeURIComponent).join('/');
    url.pathname = [base, ...(pathStyle ? [bucket] : []), ...(encodedKey === undefined ? [] : [encodedKey])].join('/');
    url.search = new URLSearchParams(query).toString();
    return url.href;
  }

  async #credentials(): Promise<Credentials> {
    const { credentialsFile, accessKeyId, secretAccessKey } = this.#settings;
    if (credentialsFile === '') return { accessKeyId, secretAccessKey };
    try {
      const { AccessKeyId, SecretAccessKey, SessionToken } = JSON.parse(await readFile(credentialsFile, 'utf8'));
      return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    } catch (cause) {
      throw new BlobUnavailableError(`the credentials file ${credentialsFile} cannot be read`, { cause });
    }
  }
}

/** What a status means that is none of those that the caller expects. */
export function unavailable({ method, key }: S3Request, { status, body }: S3Answer): BlobUnavailableError {
  const code = /<Code>([^<]{1,80})<\/Code>/.exec(body.toString('utf8'))?.[1];
  const what = `${method} ${key ?? 'of the bucket'}`;
  return new BlobUnavailableError(`the blob store answers ${status}${code ? ` (${code})` : ''} to ${what}`);
}

function isPassing(status: number): boolean {
  return status === 429 || (status >= 500 && status !== 501);
}

function isAnswer(outcome: unknown): outcome is S3Answer {
  return typeof outcome === 'object' && outcome !== null && 'status' in outcome;
}

async function readUpTo(response: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.byteLength;
    if (length > maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes + 1);
}

function explain(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
