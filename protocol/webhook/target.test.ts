import { describe, expect, test } from 'vitest';
import { checkTarget, TargetRefused } from './target.ts';

const PRODUCTION = { allowLoopback: false };
const DEVELOPMENT = { allowLoopback: true };

test.each(['https://example.com/hook', 'https://example.com:8443/a?b=c', 'https://93.184.215.14/'])(
  '%s is accepted',
  (url) => {
    expect(checkTarget(url, PRODUCTION).href).toBe(url);
  },
);

test.each([
  'http://example.com/',
  'ftp://example.com/',
  'file:///etc/passwd',
  'example.com',
  'https://user:secret@example.com/',
  'https://example.com/#part',
  'https://127.0.0.1/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://017700000001/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::1]/',
  'https://169.254.169.254/latest/meta-data',
  'https://10.0.0.1/',
  `https://example.com/${'a'.repeat(2048)}`,
])('%s is refused', (url) => {
  expect(() => checkTarget(url, PRODUCTION)).toThrow(TargetRefused);
});

describe('in development', () => {
  test.each(['http://127.0.0.1:8080/', 'http://localhost:8080/', 'https://localhost/', 'http://[::1]:9/'])(
    '%s is accepted',
    (url) => {
      expect(checkTarget(url, DEVELOPMENT).href).toBe(url);
    },
  );

  test.each(['http://example.com/', 'http://10.0.0.1/', 'https://10.0.0.1/', 'http://169.254.169.254/'])(
    '%s is still refused',
    (url) => {
      expect(() => checkTarget(url, DEVELOPMENT)).toThrow(TargetRefused);
    },
  );
});
