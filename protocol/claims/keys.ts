/**
 * The keys behind authorisation tokens, kept as private JSON Web Keys in two files of a folder.
 *
 * A token is signed with the signing key (Ed25519) and then encrypted to the encryption key (ECDH-ES over X25519),
 * so a client can neither read nor mint one. In each file the first key is the one in use; those after it are still
 * accepted, until they are retired.
 */
import { randomUUID } from 'node:crypto';
import { access, link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';

export interface TokenKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** First the key in use, then those still accepted. Never empty. */
export interface TokenKeys {
  readonly signing: readonly TokenKey[];
  readonly encryption: readonly TokenKey[];
}

export class KeyStoreError extends Error {
  override readonly name = 'KeyStoreError';
}

const SIGNING = { file: 'signing.jwks.json', alg: 'EdDSA', crv: 'Ed25519' } as const;
const ENCRYPTION = { file: 'encryption.jwks.json', alg: 'ECDH-ES+A256KW', crv: 'X25519' } as const;
type Use = typeof SIGNING | typeof ENCRYPTION;

/** Reads the keys of `folder`, making them first where there are none. @throws {KeyStoreError} */
export async function openTokenKeys(folder: string): Promise<TokenKeys> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return { signing: await openKeys(folder, SIGNING), encryption: await openKeys(folder, ENCRYPTION) };
}

async function openKeys(folder: string, use: Use): Promise<TokenKey[]> {
  const file = join(folder, use.file);
  await createUnlessThere(file, use);
  const keys = parseKeys(await readFile(file, 'utf8'), file);
  return Promise.all(keys.map((jwk) => importTokenKey(jwk, use, file)));
}

/** Two processes may start on one folder at once: linking a finished file lets exactly one of them win. */
async function createUnlessThere(file: string, use: Use): Promise<void> {
  if (await exists(file)) return;
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, `${JSON.stringify({ keys: [await newKey(use)] }, null, 2)}\n`, { mode: 0o600, flush: true });
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}

async function newKey(use: Use): Promise<JWK> {
  const { privateKey } = await generateKeyPair(use.alg, { crv: use.crv, extractable: true });
  const jwk = await exportJWK(privateKey);
  return { kid: await calculateJwkThumbprint(jwk), alg: use.alg, ...jwk };
}

function parseKeys(text: string, file: string): JWK[] {
  try {
    const { keys } = JSON.parse(text);
    if (Array.isArray(keys) && keys.length > 0) return keys;
  } catch (cause) {
    throw new KeyStoreError(`${file} is not JSON`, { cause });
  }
  throw new KeyStoreError(`${file} holds no keys`);
}

async function importTokenKey(jwk: JWK, use: Use, file: string): Promise<TokenKey> {
  if (jwk.kid === undefined || jwk.crv !== use.crv || jwk.d === undefined)
    throw new KeyStoreError(`${file} holds a key that is not a private ${use.crv} key with a kid`);
  const { d: _private, ...publicJwk } = jwk;
  return {
    kid: jwk.kid,
    privateKey: (await importJWK(jwk, use.alg)) as CryptoKey,
    publicKey: (await importJWK(publicJwk, use.alg)) as CryptoKey,
  };
}
