import { expect, test } from 'vitest';
import { Revocation } from '../generated/client/v1m0/client_pb.js';
import { Timestamp } from '../generated/google/protobuf/timestamp_pb.js';
import { Revocations } from './revocations.ts';

const T = 1_800_000_000_000;
const claims = (issuedAt: number) => ({ client: 'alice', tokenId: 'a', issuedAt });
const record = (key: string, time: number | null) => ({
  key,
  value:
    time === null
      ? null
      : Buffer.from(Revocation.toBinary(Revocation.create({ time: Timestamp.fromDate(new Date(time)) }))),
});

test('a revoked token counts up to the moment of its revocation, and no other is touched', () => {
  const revocations = new Revocations();
  revocations.apply(record('revoked-token/a', T));
  expect(revocations.isRevoked(claims(T - 9000), T - 1)).toBe(false);
  expect(revocations.isRevoked(claims(T - 9000), T)).toBe(true);
  expect(revocations.isRevoked({ ...claims(T - 9000), tokenId: 'b' }, T)).toBe(false);
});

test('a revoked client keeps what it brought in before, and can be given new tokens', () => {
  const revocations = new Revocations();
  revocations.apply(record('revoked-client/alice', T));
  expect(revocations.isRevoked(claims(T - 9000), T - 1)).toBe(false);
  expect(revocations.isRevoked(claims(T - 9000), T)).toBe(true);
  expect(revocations.isRevoked(claims(T + 1000), T + 2000)).toBe(false);
  expect(revocations.isRevoked({ ...claims(T - 9000), client: 'bob' }, T)).toBe(false);
});

test('a deleted revocation is gone; records of clients themselves are not revocations', () => {
  const revocations = new Revocations();
  revocations.apply(record('revoked-token/a', T));
  revocations.apply(record('revoked-token/a', null));
  revocations.apply(record('alice', T));
  expect(revocations.size).toBe(0);
});
