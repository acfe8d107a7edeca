/**
 * Signs requests as Standard Webhooks says: HMAC-SHA256 over `id.timestamp.body`, one signature for each secret in use, so that
 * a receiver that still has the old one during a rotation verifies as well as one that has the new.
 *
 * By Node's own crypto: the library `standardwebhooks` does its SHA-256 in JavaScript and takes the body as a string (51 µs for
 * 4 KiB against 4 µs). The tests verify with the library.
 */
import { createHmac, type KeyObject } from 'node:crypto';

export interface SigningKey {
  readonly key: KeyObject;
  /** Not used from this moment on, ms since the epoch; undefined for never. */
  readonly retires: number | undefined;
}

/**
 * The headers of a signed request, names and values by turns. @param now ms since the epoch @param keys the newest first
 */
export function signedHeaders(id: string, body: Uint8Array, now: number, keys: readonly SigningKey[]): string[] {
  const timestamp = String(Math.floor(now / 1000));
  const prefix = `${id}.${timestamp}.`;
  let signature = '';
  for (const { key, retires } of keys) {
    if (retires !== undefined && retires <= now) continue;
    const mac = createHmac('sha256', key).update(prefix).update(body).digest('base64');
    signature += signature === '' ? `v1,${mac}` : ` v1,${mac}`;
  }
  return ['webhook-id', id, 'webhook-timestamp', timestamp, 'webhook-signature', signature];
}
