/**
 * Secrets of clients: made here, shown once, kept as scrypt hashes (RFC 7914).
 *
 * A secret has 256 bits of randomness, so the cost of the hash is not what protects it; it makes a stolen registry
 * useless even for secrets that someone chose.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

const LOG_N = 15;
const R = 8;
const P = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const SECRET_BYTES = 32;

/** Bounds of what a stored hash may ask for: a damaged record must not cost gigabytes. */
const MAX_LOG_N = 20;
const MAX_R = 32;
const MAX_P = 16;

const FORM = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([A-Za-z0-9_-]+)\$([A-Za-z0-9_-]+)$/;

export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** `scrypt$<log2 N>$<r>$<p>$<salt>$<hash>` */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(secret, salt, HASH_BYTES, LOG_N, R, P);
  return ['scrypt', LOG_N, R, P, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Takes as long whether or not the secret is right. A hash that cannot be one fits nothing. */
export async function fitsHash(secret: string, stored: string): Promise<boolean> {
  const [, logN, r, p, salt, hash] = FORM.exec(stored) ?? [];
  if (hash === undefined || Number(logN) > MAX_LOG_N || Number(r) > MAX_R || Number(p) > MAX_P) return false;
  const expected = Buffer.from(hash, 'base64url');
  const found = await derive(
    secret,
    Buffer.from(salt!, 'base64url'),
    expected.byteLength,
    Number(logN),
    Number(r),
    Number(p),
  );
  return timingSafeEqual(found, expected);
}

function derive(secret: string, salt: Buffer, bytes: number, logN: number, r: number, p: number): Promise<Buffer> {
  const N = 2 ** logN;
  const options: ScryptOptions = { N, r, p, maxmem: 128 * N * r + 128 * r * p + (1 << 20) };
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, bytes, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
