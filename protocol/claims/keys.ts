/**
 * The keys behind tokens, kept as private JSON Web Keys in the files of a folder.
 *
 * An authorisation token is signed with a signing key (Ed25519) and then encrypted to an encryption key (ECDH-ES over
 * X25519), so a client can neither read nor mint one. An authentication token is signed with a key of its own: whoever holds
 * only that can say who a client is, but not what it may do.
 *
 * Each key says from when on it is used (`nbf`, seconds): a new one is known everywhere before the first token made with it
 * appears, and the one before it is accepted until it is retired (key-retirement.ts).
 */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { makeFolder } from '../make-folder.ts';
import { createKeyFile, replaceKeyFile } from './key-file.ts';

export interface TokenKey {
  readonly kid: string;
  /** undefined: a retired key, which signs no more. */
  readonly privateKey: CryptoKey | undefined;
  readonly publicKey: CryptoKey;
  /** Milliseconds since the epoch: from then on tokens are made with it. */
  readonly useFrom: number;
  /** Milliseconds since the epoch: from then on no request with a token of it is accepted. Infinite: it is not retired. */
  readonly retiredAt: number;
}

/** First the key in use, then those that open tokens as well. Never empty. */
export interface TokenKeys {
  readonly signing: readonly TokenKey[];
  readonly encryption: readonly TokenKey[];
  readonly authentication: readonly TokenKey[];
}

export type KeyUse = keyof TokenKeys;

/** A key as operators see it. */
export interface KeyListing {
  readonly use: KeyUse;
  readonly kid: string;
  readonly useFrom: number;
  readonly retiredAt: number;
  readonly state: 'coming' | 'in use' | 'accepted' | 'retired';
}

/** A key as it lies in a file: a private one, unless it was for signing and is retired. */
export interface StoredKey extends JWK {
  readonly kid: string;
  /** Seconds since the epoch, as in a JWT: not used before. */
  readonly nbf?: number;
  /** Seconds since the epoch: requests with tokens of it are refused from then on. */
  readonly retired_at?: number;
}

export class KeyStoreError extends Error {
  override readonly name = 'KeyStoreError';
}

const KINDS = {
  signing: { file: 'signing.jwks.json', alg: 'EdDSA', crv: 'Ed25519' },
  encryption: { file: 'encryption.jwks.json', alg: 'ECDH-ES+A256KW', crv: 'X25519' },
  authentication: { file: 'authentication.jwks.json', alg: 'EdDSA', crv: 'Ed25519' },
} as const;
type Kind = (typeof KINDS)[KeyUse];

export const KEY_USES = Object.keys(KINDS) as readonly KeyUse[];
export const KEY_FILES: readonly string[] = Object.values(KINDS).map(({ file }) => file);

/** Reads the keys of `folder`, making them first where there are none. @throws {KeyStoreError} */
export async function openTokenKeys(folder: string, now = Date.now()): Promise<TokenKeys> {
  makeFolder(folder, 0o700);
  return {
    signing: await openKeys(folder, KINDS.signing, now),
    encryption: await openKeys(folder, KINDS.encryption, now),
    authentication: await openKeys(folder, KINDS.authentication, now),
  };
}

/**
 * Adds a new key of each use. Tokens are made with it from `useFrom` on; by then every process must have read it.
 * @param useFrom milliseconds since the epoch
 */
export async function rotateTokenKeys(folder: string, useFrom: number): Promise<void> {
  await openTokenKeys(folder);
  for (const use of KEY_USES) {
    const added = await newKey(KINDS[use], useFrom);
    await changeKeys(folder, use, (keys) => [added, ...keys]);
  }
}

/** Every key there is, the newest of each use first. @param now milliseconds since the epoch */
export async function listTokenKeys(folder: string, now: number): Promise<KeyListing[]> {
  const keys = await openTokenKeys(folder, now);
  return KEY_USES.flatMap((use) =>
    keys[use]
      .map(({ kid, useFrom, retiredAt }, index): KeyListing => {
        const accepted = useFrom > now ? 'coming' : index === 0 ? 'in use' : 'accepted';
        return { use, kid, useFrom, retiredAt, state: retiredAt === Number.POSITIVE_INFINITY ? accepted : 'retired' };
      })
      .sort((a, b) => b.useFrom - a.useFrom),
  );
}

/** Writes the keys of one use anew. @param change gives what is to be kept of those there are */
export async function changeKeys(
  folder: string,
  use: KeyUse,
  change: (keys: readonly StoredKey[]) => readonly StoredKey[],
): Promise<void> {
  const kind = KINDS[use];
  await replaceKeyFile(join(folder, kind.file), change(await readKeys(folder, kind)));
}

/** The public halves, as a JSON Web Key Set that may be published. */
export async function publicJwks(keys: readonly TokenKey[]): Promise<{ keys: JWK[] }> {
  return {
    keys: await Promise.all(
      keys.map(async ({ kid, publicKey }) => ({
        ...(await exportJWK(publicKey)),
        kid,
        alg: KINDS.authentication.alg,
        use: 'sig',
      })),
    ),
  };
}

async function openKeys(folder: string, kind: Kind, now: number): Promise<TokenKey[]> {
  await createUnlessThere(folder, kind);
  const keys = await Promise.all((await readKeys(folder, kind)).map((jwk) => importTokenKey(jwk, kind)));
  return inOrderOfUse(keys, now);
}

/** The newest that may be used comes first; were none old enough, the oldest would be it. */
function inOrderOfUse(keys: readonly TokenKey[], now: number): TokenKey[] {
  const newestFirst = keys.toSorted((a, b) => b.useFrom - a.useFrom);
  const usable = newestFirst.filter(({ retiredAt }) => retiredAt === Number.POSITIVE_INFINITY);
  const inUse = usable.find(({ useFrom }) => useFrom <= now) ?? usable.at(-1)!;
  return [inUse, ...newestFirst.filter((key) => key !== inUse)];
}

async function createUnlessThere(folder: string, kind: Kind): Promise<void> {
  const file = join(folder, kind.file);
  if (!(await exists(file))) await createKeyFile(file, [await newKey(kind, 0)]);
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}

async function newKey(kind: Kind, useFrom: number): Promise<StoredKey> {
  const { privateKey } = await generateKeyPair(kind.alg, { crv: kind.crv, extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  // One thumbprint in 64 begins with a hyphen, and `sluice keys retire KID` would take it for an option.
  if (kid.startsWith('-')) return newKey(kind, useFrom);
  return { kid, alg: kind.alg, nbf: Math.floor(useFrom / 1000), ...jwk };
}

async function readKeys(folder: string, kind: Kind): Promise<StoredKey[]> {
  const file = join(folder, kind.file);
  const keys = parseKeys(await readFile(file, 'utf8'), file);
  for (const jwk of keys)
    if (typeof jwk.kid !== 'string' || jwk.crv !== kind.crv || (jwk.d === undefined && jwk.retired_at === undefined))
      throw new KeyStoreError(`${file} holds a key that is not a private ${kind.crv} key with a kid`);
  if (keys.every(({ retired_at }) => retired_at !== undefined))
    throw new KeyStoreError(`${file} holds no key but retired ones`);
  return keys;
}

function parseKeys(text: string, file: string): StoredKey[] {
  try {
    const { keys } = JSON.parse(text);
    if (Array.isArray(keys) && keys.length > 0) return keys;
  } catch (cause) {
    throw new KeyStoreError(`${file} is not JSON`, { cause });
  }
  throw new KeyStoreError(`${file} holds no keys`);
}

async function importTokenKey(jwk: StoredKey, kind: Kind): Promise<TokenKey> {
  const { d: _private, ...publicJwk } = jwk;
  return {
    kid: jwk.kid,
    privateKey: jwk.d === undefined ? undefined : ((await importJWK(jwk, kind.alg)) as CryptoKey),
    publicKey: (await importJWK(publicJwk, kind.alg)) as CryptoKey,
    useFrom: typeof jwk.nbf === 'number' ? jwk.nbf * 1000 : 0,
    retiredAt: typeof jwk.retired_at === 'number' ? jwk.retired_at * 1000 : Number.POSITIVE_INFINITY,
  };
}
