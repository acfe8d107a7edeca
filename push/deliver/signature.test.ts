import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { newSecret, secretKey } from '../../protocol/webhook/sealing.ts';
import { signedHeaders } from './signature.ts';

const BODY = Buffer.from('{"kind":"message","payload":{"text":"Grüße"}}');

test('during a rotation each of the two secrets verifies by the library, and no other', () => {
  const [older, newer] = [newSecret(), newSecret()];
  const now = Date.now();
  const keys = [newer, older].map((secret) => ({ key: secretKey(secret), retires: undefined }));
  const headers = signedHeaders('id-1', BODY, now, keys);
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
  const headers = signedHeaders('id-1', BODY, now, keys);
  expect(() => new Webhook(older).verify(BODY.toString(), headers)).toThrow();
  expect(new Webhook(newer).verify(BODY.toString(), headers)).toBeTruthy();
  expect(signedHeaders('id-1', BODY, now - 1, keys)['webhook-signature']!.split(' ')).toHaveLength(2);
});
