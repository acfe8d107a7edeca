import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { newSecret, secretKey } from '../../protocol/webhook/sealing.ts';
import { type SigningKey, signedHeaders } from './signature.ts';

function headersOf(now: number, keys: readonly SigningKey[]): Record<string, string> {
  const list = signedHeaders('id-1', BODY, now, keys);
  return Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1]!]] : [])));
}

const BODY = Buffer.from('{"kind":"message","payload":{"text":"Grüße"}}');

test('during a rotation each of the two secrets verifies by the library, and no other', () => {
  const [older, newer] = [newSecret(), newSecret()];
  const now = Date.now();
  const keys = [newer, older].map((secret) => ({ key: secretKey(secret), retires: undefined }));
  const headers = headersOf(now, keys);
  for (const secret of [older, newer])
    expect(new Webhook(secret).verify(BODY.toString(), headers)).toMatchObject({ kind: 'message' });
  expect(() => new Webhook(newSecret()).verify(BODY.toString(), headers)).toThrow();
  expect(() => new Webhook(newer).verify(BODY.toString().replace('Gr', 'gr'), headers)).toThrow();
  expect(() => new Webhook(newer).verify(BODY.toString(), { ...headers, 'webhook-id': 'id-2' })).toThrow();
});

test('a secret that has retired signs no more', () => {
  const now = Date.now();
  const [older, newer] = [newSecret(), newSecret()];
  const keys = [
    { key: secretKey(newer), retires: undefined },
    { key: secretKey(older), retires: now },
  ];
  const headers = headersOf(now, keys);
  expect(() => new Webhook(older).verify(BODY.toString(), headers)).toThrow();
  expect(new Webhook(newer).verify(BODY.toString(), headers)).toBeTruthy();
  expect(headersOf(now - 1, keys)['webhook-signature']!.split(' ')).toHaveLength(2);
});
