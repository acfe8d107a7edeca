import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { DigestCheck } from './content-digest.ts';

const of = (algorithm: string, text: string) => `:${createHash(algorithm).update(text).digest('base64')}:`;
const SHA256 = `sha-256=${of('sha256', 'hello')}`;
const SHA512 = `sha-512=${of('sha512', 'hello')}`;

function verdict(header: string | undefined, content = 'hello'): string {
  try {
    const check = DigestCheck.of(header);
    if (check === undefined) return 'nothing to check';
    check.update(Buffer.from(content.slice(0, 2)));
    check.update(Buffer.from(content.slice(2)));
    check.finish();
    return 'fits';
  } catch (error) {
    return (error as { key: string }).key;
  }
}

test.each<[string | undefined, string]>([
  [undefined, 'nothing to check'],
  [SHA256, 'fits'],
  [SHA512, 'fits'],
  [`${SHA256}, ${SHA512}`, 'fits'],
  [`unixsum=:MTIz:, ${SHA256}`, 'fits'],
  ['unixsum=:MTIz:', 'nothing to check'],
  [`sha-256=${of('sha256', 'other')}`, 'digest-mismatch'],
  [`${SHA256}, sha-512=${of('sha512', 'other')}`, 'digest-mismatch'],
  ['sha-256=::', 'digest-mismatch'],
  ['sha-256=:AAAA:', 'digest-mismatch'],
  ['sha-256=abc', 'invalid-request'],
  ['nonsense', 'invalid-request'],
  ['', 'invalid-request'],
])('%s: %s', (header, expected) => {
  expect(verdict(header)).toBe(expected);
});

test('a changed byte is found', () => {
  expect(verdict(SHA256, 'hellp')).toBe('digest-mismatch');
});
