/**
 * Blobs as objects of an S3-compatible bucket.
 *
 * An object's name ends in the SHA-256 of its content, which is also what the request is signed over: the service refuses
 * a body that is not what its name says, and a reader checks again.
 */
import { BlobDamagedError, BlobMissingError, type BlobStore, blobKey, checkBlob } from './blob-store.ts';
import { S3Requests, unavailable } from './s3-requests.ts';
import type { S3Settings } from './settings.ts';

/** Deletions under way at once. */
const DELETIONS = 16;
const NAME = /^[0-9a-f]{64}$/;

export interface S3BlobStoreOptions {
  readonly settings: S3Settings;
  /** Largest blob that is read. */
  readonly maxBytes: number;
  /** A blob that is put again is written anew once it is so old: its age is what retirement goes by. Milliseconds. */
  readonly renewAfterMs: number;
  /** Objects in a page of a list. Default 1000, the most that S3 gives. */
  readonly pageSize?: number;
}

export class S3BlobStore implements BlobStore {
  readonly name = 's3';
  readonly #options: S3BlobStoreOptions;
  readonly #requests: S3Requests;

  constructor(options: S3BlobStoreOptions) {
    this.#options = options;
    this.#requests = new S3Requests(options.settings);
  }

  async put(sha256: Uint8Array, content: Uint8Array): Promise<void> {
    const key = this.#keyOf(sha256);
    if (await this.#isFresh(key, content.byteLength)) return;
    const request = { method: 'PUT', key, content: { bytes: content, sha256: blobKey(sha256) } } as const;
    const answer = await this.#requests.send(request);
    if (answer.status !== 200) throw unavailable(request, answer);
  }

  async get(sha256: Uint8Array): Promise<Buffer> {
    const { maxBytes } = this.#options;
    const request = { method: 'GET', key: this.#keyOf(sha256), maxBytes } as const;
    const answer = await this.#requests.send(request);
    if (answer.status === 404 && !answer.body.includes('NoSuchBucket'))
      throw new BlobMissingError(`there is no blob ${blobKey(sha256)}`);
    if (answer.status !== 200) throw unavailable(request, answer);
    if (answer.body.byteLength > maxBytes)
      throw new BlobDamagedError(`blob ${blobKey(sha256)} is larger than the ${maxBytes} bytes that are read`);
    checkBlob(sha256, answer.body);
    return answer.body;
  }

  /**
   * A blob that is put again between being listed and being removed is lost, a matter of seconds at the end of its time: the
   * image then fails as lost, visibly. S3 has no removal that depends on an object's age.
   */
  async retireBefore(time: number): Promise<number> {
    let retired = 0;
    for await (const page of this.#pages()) {
      const old = page.filter(({ modified }) => modified < time);
      for (let first = 0; first < old.length; first += DELETIONS)
        await Promise.all(old.slice(first, first + DELETIONS).map(({ key }) => this.#delete(key)));
      retired += old.length;
    }
    return retired;
  }

  async check(): Promise<void> {
    const answer = await this.#requests.send({ method: 'HEAD' });
    if (answer.status !== 200) throw unavailable({ method: 'HEAD' }, answer);
  }

  async #isFresh(key: string, size: number): Promise<boolean> {
    const { status, headers } = await this.#requests.send({ method: 'HEAD', key });
    if (status !== 200 || Number(headers.get('content-length')) !== size) return false;
    // Both by the service's clock.
    const age = Date.parse(headers.get('date') ?? '') - Date.parse(headers.get('last-modified') ?? '');
    return age < this.#options.renewAfterMs;
  }

  async *#pages(): AsyncIterable<{ key: string; modified: number }[]> {
    const { settings, pageSize = 1000 } = this.#options;
    for (let after = ''; ; ) {
      const query = {
        'list-type': '2',
        'max-keys': String(pageSize),
        prefix: settings.prefix,
        ...(after !== '' && { 'start-after': after }),
      };
      const request = { method: 'GET', query } as const;
      const answer = await this.#requests.send(request);
      if (answer.status !== 200) throw unavailable(request, answer);
      const list = answer.body.toString('utf8');
      const found = [...list.matchAll(/<Contents>.*?<\/Contents>/gs)].map(([entry]) => ({
        key: textOf(entry, 'Key'),
        modified: Date.parse(textOf(entry, 'LastModified')),
      }));
      // Whatever else lies in the bucket is nobody's business here.
      yield found.filter(({ key }) => key.startsWith(settings.prefix) && NAME.test(key.slice(settings.prefix.length)));
      if (textOf(list, 'IsTruncated') !== 'true' || found.length === 0) return;
      after = unescapeXml(found.at(-1)!.key);
    }
  }

  async #delete(key: string): Promise<void> {
    const answer = await this.#requests.send({ method: 'DELETE', key });
    if (answer.status >= 300 && answer.status !== 404) throw unavailable({ method: 'DELETE', key }, answer);
  }

  #keyOf(sha256: Uint8Array): string {
    return this.#options.settings.prefix + blobKey(sha256);
  }
}

function textOf(xml: string, element: string): string {
  return new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1] ?? '';
}

/** For names of others' objects, which a page may end with. */
function unescapeXml(text: string): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_all, name: string) => entities[name]!);
}
