import { expect, test } from 'vitest';
import { Timestamp } from '../generated/google/protobuf/timestamp_pb.js';
import { Mode, type Webhook } from '../generated/push/v1m0/push_pb.js';
import { pushGrant, readPushGrant, wantsType } from './grant.ts';

const at = (ms: number) => Timestamp.fromDate(new Date(ms));

const WEBHOOK: Webhook = {
  url: 'https://example.com/hook',
  types: ['ocr.*'],
  mode: Mode.BATCH,
  maxRate: 50,
  secrets: [{ sealed: 'new' }, { sealed: 'old', retires: at(2000) }],
  verified: at(500),
};

test('a webhook becomes a grant, and the grant is read as it was', () => {
  const grant = pushGrant(WEBHOOK, 1000);
  expect(readPushGrant(JSON.parse(JSON.stringify(grant)))).toEqual({
    url: 'https://example.com/hook',
    types: ['ocr.*'],
    mode: 'batch',
    rate: 50,
    verified: 500,
    secrets: [{ sealed: 'new' }, { sealed: 'old', retires: 2000 }],
  });
});

test('a secret that has retired is not minted any more', () => {
  expect(pushGrant(WEBHOOK, 2000)).toMatchObject({ secrets: [{ sealed: 'new' }] });
});

test.each([{}, { url: 'x' }, { ...pushGrant(WEBHOOK, 0), mode: 'other' }, { ...pushGrant(WEBHOOK, 0), secrets: [] }])(
  '%j is no grant to push',
  (configuration) => {
    expect(readPushGrant(configuration)).toBeUndefined();
  },
);

test.each([
  [[], 'ocr.v1m0.TextLine', true],
  [['ocr.v1m0.TextLine'], 'ocr.v1m0.TextLine', true],
  [['ocr.*'], 'ocr.v1m0.TextLine', true],
  [['ocr.*'], 'ocrx.v1m0.TextLine', false],
  [['ocr.v1m0.*', 'barcode.*'], 'barcode.v1m0.Barcode', true],
  [['ocr.v1m0.Text'], 'ocr.v1m0.TextLine', false],
])('%j wants %s: %s', (types, type, wanted) => {
  expect(wantsType(types, type)).toBe(wanted);
});
