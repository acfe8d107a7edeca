/** For tests of tokens: keys of a deployment, tokens made with them, and tokens that only look so. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { base64url, CompactEncrypt, type JWTPayload, SignJWT } from 'jose';
import { openTokenKeys, type TokenKey, type TokenKeys } from '../claims/keys.ts';
import { mintToken, openToken, TOKEN_AUDIENCE, TOKEN_ISSUER, type TokenError } from '../claims/token.ts';

export const NOW = 1_800_000_000_000;
export const HOUR = 3_600_000;
export const GRANTS = { 'ocr-*': { language: 'en' }, 'ingest-1': {} };

export const VALID: JWTPayload = {
  iss: TOKEN_ISSUER,
  aud: TOKEN_AUDIENCE,
  sub: 'alice',
  jti: 'j',
  iat: NOW / 1000,
  exp: (NOW + HOUR) / 1000,
  grants: GRANTS,
};

export interface Forgery {
  readonly payload?: JWTPayload;
  readonly inner?: Record<string, unknown>;
  readonly outer?: Record<string, unknown>;
}

export class TokenForge {
  readonly folder: string;
  readonly keys: TokenKeys;
  readonly signing: TokenKey;
  readonly encryption: TokenKey;

  private constructor(folder: string, keys: TokenKeys) {
    this.folder = folder;
    this.keys = keys;
    this.signing = keys.signing[0]!;
    this.encryption = keys.encryption[0]!;
  }

  static async open(): Promise<TokenForge> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-token-'));
    return new TokenForge(folder, await openTokenKeys(folder));
  }

  /** A token as the deployment gives it out. */
  mint(client = 'alice', keys = this.keys): Promise<string> {
    return mintToken(keys, { client, grants: GRANTS, issuedAt: NOW, expiresAt: NOW + HOUR });
  }

  /** A token as ours in all but what is said: made with our own keys, as an insider of another component could. */
  async made({ payload = VALID, inner = {}, outer = {} }: Forgery): Promise<string> {
    return this.sealed(await this.signed(payload, inner), outer);
  }

  /** The inner half alone. @param key and algorithm: other ones than ours, under our `kid` unless the header says another */
  signed(
    payload: JWTPayload,
    header: Record<string, unknown> = {},
    key: Parameters<SignJWT['sign']>[0] = this.signing.privateKey!,
  ): Promise<string> {
    const all = { alg: 'EdDSA', kid: this.signing.kid, typ: 'sluice-grants+jwt', ...header };
    return new SignJWT(payload).setProtectedHeader(all as never).sign(key);
  }

  /** Whatever it is, encrypted as our tokens are. */
  sealed(
    content: string | Uint8Array,
    header: Record<string, unknown> = {},
    key: Parameters<CompactEncrypt['encrypt']>[0] = this.encryption.publicKey,
  ): Promise<string> {
    const all = { alg: 'ECDH-ES+A256KW', enc: 'A256GCM', kid: this.encryption.kid, cty: 'JWT', ...header };
    return new CompactEncrypt(Buffer.from(content as string)).setProtectedHeader(all as never).encrypt(key);
  }

  /** What becomes of a token: 'accepted', or the code of its refusal. */
  opened(token: string): Promise<string> {
    return codeOf(openToken(this.keys, token));
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }
}

export function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'accepted',
    (error: TokenError) => error.code ?? `unexpected ${error}`,
  );
}

/** The parts of a compact token with one of them changed. */
export function withPart(token: string, index: number, change: (part: string) => string): string {
  return token
    .split('.')
    .map((part, at) => (at === index ? change(part) : part))
    .join('.');
}

export function withHeader(token: string, change: Record<string, unknown>): string {
  return withPart(token, 0, (part) => {
    const header = JSON.parse(Buffer.from(base64url.decode(part)).toString());
    return base64url.encode(JSON.stringify({ ...header, ...change }));
  });
}
