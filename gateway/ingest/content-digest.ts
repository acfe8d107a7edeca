/** Checks a body against its `Content-Digest` (RFC 9530): SHA-256 and SHA-512; other algorithms are passed over. */
import { createHash, type Hash, timingSafeEqual } from 'node:crypto';
import { Problem } from '../../protocol/http/problem.ts';

/** One member of a structured dictionary whose value is a byte sequence: `sha-256=:BASE64:` */
const MEMBER = /^\s*([a-z][a-z0-9-]*)=:([A-Za-z0-9+/]*={0,2}):\s*$/;
const ALGORITHMS: Readonly<Record<string, string>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' };

interface Expected {
  readonly hash: Hash;
  readonly digest: Buffer;
}

export class DigestCheck {
  readonly #expected: readonly Expected[];

  private constructor(expected: readonly Expected[]) {
    this.#expected = expected;
  }

  /** @returns undefined where there is nothing to check @throws {Problem} the header cannot be read */
  static of(header: string | string[] | undefined): DigestCheck | undefined {
    if (header === undefined) return undefined;
    const expected = String(header)
      .split(',')
      .flatMap((member) => {
        const [, name, base64] = MEMBER.exec(member) ?? [];
        if (name === undefined) throw unreadable();
        const algorithm = ALGORITHMS[name];
        return algorithm === undefined ? [] : [{ hash: createHash(algorithm), digest: Buffer.from(base64!, 'base64') }];
      });
    return expected.length === 0 ? undefined : new DigestCheck(expected);
  }

  update(chunk: Uint8Array): void {
    for (const { hash } of this.#expected) hash.update(chunk);
  }

  /** @throws {Problem} the body was not what the header says */
  finish(): void {
    for (const { hash, digest } of this.#expected) {
      const found = hash.digest();
      if (found.byteLength !== digest.byteLength || !timingSafeEqual(found, digest)) throw mismatch();
    }
  }
}

function unreadable(): Problem {
  const detail = 'write sha-256=:BASE64: or sha-512=:BASE64: (RFC 9530)';
  return new Problem('invalid-request', `Content-Digest: ${detail}.`, {
    members: { errors: [{ field: 'header/content-digest', detail }] },
  });
}

function mismatch(): Problem {
  return new Problem('digest-mismatch', 'The content is not the one that Content-Digest was made of.', {
    members: { errors: [{ field: 'header/content-digest', detail: 'does not fit the content' }] },
  });
}
