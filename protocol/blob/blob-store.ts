/**
 * Blobs: encoded images that are too large to travel on the log.
 *
 * A blob is named by the SHA-256 of its content and never changes, so writing one twice is the same as once, and
 * whoever reads one can check that it is what was written.
 */
import { createHash } from 'node:crypto';

export interface BlobStore {
  /** Stored in BlobReference.store, so that a reader knows where to look. */
  readonly name: string;
  /** Resolves once the blob is durable. Repeating is harmless. @throws {BlobUnavailableError} */
  put(sha256: Uint8Array, content: Uint8Array): Promise<void>;
  /**
   * The content, checked against its name.
   *
   * @param store as its BlobReference has it, for a store that is made of several; others are asked for what is theirs
   * @throws {BlobMissingError} @throws {BlobDamagedError} @throws {BlobUnavailableError}
   */
  get(sha256: Uint8Array, store?: string): Promise<Buffer>;
  /** Removes blobs written before `time` (ms). @returns how many */
  retireBefore(time: number): Promise<number>;
  /** Whether it can be used at all: there, and open to us. @throws {BlobUnavailableError} */
  check(): Promise<void>;
}

/** There is no such blob: it was retired, or never written. Repeating will not help. */
export class BlobMissingError extends Error {
  override readonly name = 'BlobMissingError';
}

/** The content is not what its name says. Repeating will not help. */
export class BlobDamagedError extends Error {
  override readonly name = 'BlobDamagedError';
}

/** The store cannot be reached, or has no room. Repeating may help. */
export class BlobUnavailableError extends Error {
  override readonly name = 'BlobUnavailableError';
}

export function blobKey(sha256: Uint8Array): string {
  if (sha256.byteLength !== 32) throw new TypeError('the name of a blob is a SHA-256 of 32 bytes');
  return Buffer.from(sha256).toString('hex');
}

/** @throws {BlobDamagedError} */
export function checkBlob(sha256: Uint8Array, content: Uint8Array): void {
  if (!createHash('sha256').update(content).digest().equals(sha256))
    throw new BlobDamagedError(`blob ${blobKey(sha256)} holds other content`);
}
