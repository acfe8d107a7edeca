import { expect, test } from 'vitest';
import { createClient } from './client.ts';

test.each(['nonsense', '', 'localhost:8080', 'http://', 'ftp://sluice.example', undefined as unknown as string])(
  'a server that cannot be at %j is said at once, not tried for ever',
  (url) => {
    expect(() => createClient({ url, token: 't' })).toThrow(/url is the address of a server.*not '/);
  },
);

test.each(['http://127.0.0.1:8080', 'HTTPS://sluice.example/', 'http://[::1]:1/behind/a/proxy//'])(
  '%s is taken',
  (url) => {
    expect(() => createClient({ url, token: 't' })).not.toThrow();
  },
);
