/**
 * Seals the signing secrets of webhooks, so that what lies on the log, in stores and in tokens is of no use without the
 * deployment's key.
 *
 * A sealed secret is a compact JWE (A256GCMKW, A256GCM) whose protected header names the client as `sub`: one client's
 * secret does not open in the name of another. The key file holds the key in use first, then those still accepted.
 */
import { createSecretKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { createKeyFile } from '../claims/key-file.ts';

const FILE = 'webhook-secrets.jwks.json';
const KEY_BYTES = 32;
/** Standard Webhooks: 24 to 64 bytes. */
const SECRET_BYTES = 32;
const SECRET_PREFIX = 'whsec_';
const ALGORITHM = { alg: 'A256GCMKW', enc: 'A256GCM' } as const;

interface SealingKey {
  readonly kid: string;
  readonly key: KeyObject;
}

/** First the key in use, then those still accepted. Never empty. */
export type SealingKeys = readonly [SealingKey, ...SealingKey[]];

/** A sealed secret does not open: made with a key that is gone, for another client, or damaged. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

/** Reads the keys of `folder`, making them first where there are none. @throws {SealError} the file is not readable */
export async function openSealingKeys(folder: string): Promise<SealingKeys> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, FILE);
  const text = await readFile(file, 'utf8').catch(() => create(file));
  return parse(text, file);
}

/** A new secret in the form of Standard Webhooks: `whsec_` and base64. */
export function newSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** The key behind a secret. @throws {TypeError} it is not in the form of Standard Webhooks */
export function secretKey(secret: string): KeyObject {
  const bytes = Buffer.from(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : '', 'base64');
  if (bytes.length < 24 || bytes.length > 64)
    throw new TypeError('a secret is whsec_ and the base64 of 24 to 64 bytes');
  return createSecretKey(bytes);
}

export function sealSecret(keys: SealingKeys, client: string, secret: string): Promise<string> {
  const [{ kid, key }] = keys;
  return new CompactEncrypt(Buffer.from(secret)).setProtectedHeader({ ...ALGORITHM, kid, sub: client }).encrypt(key);
}

/** @throws {SealError} */
export async function openSecret(keys: SealingKeys, client: string, sealed: string): Promise<string> {
  try {
    const { plaintext } = await compactDecrypt(
      sealed,
      (header) => {
        if (header.sub !== client) throw new SealError('the secret was sealed for another client');
        const found = keys.find(({ kid }) => kid === header.kid);
        if (found === undefined) throw new SealError('the secret was sealed with a key that is not known here');
        return found.key;
      },
      { keyManagementAlgorithms: [ALGORITHM.alg], contentEncryptionAlgorithms: [ALGORITHM.enc] },
    );
    return Buffer.from(plaintext).toString('utf8');
  } catch (error) {
    throw error instanceof SealError ? error : new SealError('the secret does not open', { cause: error });
  }
}

async function create(file: string): Promise<string> {
  const key = { kty: 'oct', kid: randomUUID(), alg: ALGORITHM.alg, k: randomBytes(KEY_BYTES).toString('base64url') };
  await createKeyFile(file, [key]);
  return readFile(file, 'utf8');
}

function parse(text: string, file: string): SealingKeys {
  try {
    const keys: SealingKey[] = JSON.parse(text).keys.map(({ kid, k }: { kid: unknown; k: string }) => {
      const bytes = Buffer.from(k, 'base64url');
      if (typeof kid !== 'string' || bytes.length !== KEY_BYTES) throw new TypeError('no 256-bit key with a kid');
      return { kid, key: createSecretKey(bytes) };
    });
    const [first, ...rest] = keys;
    if (first === undefined) throw new TypeError('no key');
    return [first, ...rest];
  } catch (cause) {
    throw new SealError(`${file} holds no sealing keys: ${(cause as Error).message}`, { cause });
  }
}
