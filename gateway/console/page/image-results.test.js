import { expect, test } from 'vitest';
import { withMessage, wordsOf } from './image-results.js';

const accepted = {
  type: 'ingest.v1m0.ImageAccepted',
  payload: { imageId: 'a', width: 10, height: 20, services: ['barcode', 'ocr'] },
};
const line = {
  type: 'ocr.v1m0.TextLine',
  payload: {
    imageId: 'a',
    text: 'HELLO',
    confidence: 0.9,
    quadrilateral: {
      topLeft: { x: 1, y: 1 },
      topRight: { x: 2, y: 1 },
      bottomRight: { x: 2, y: 2 },
      bottomLeft: { x: 1, y: 2 },
    },
  },
};
const completed = {
  type: 'completion.v1m0.ServiceCompleted',
  payload: { imageId: 'a', service: 'ocr', duration: '0.250s' },
};

/** @param {any[]} messages */
const fold = (messages) => messages.reduce(withMessage, {});

test('whatever comes first, what is known of an image is the same', () => {
  const whole = fold([accepted, line, completed]);
  expect(whole.a).toMatchObject({
    width: 10,
    services: { barcode: { state: 'waiting' }, ocr: { state: 'completed', detail: '0.25 s' } },
    findings: [{ kind: 'text', label: 'HELLO' }],
  });
  expect(fold([completed, line, accepted])).toEqual(whole);
});

test('a box becomes its four corners, and a result of an unknown service with a place is shown too', () => {
  const face = {
    type: 'faceextract.v1m0.ExtractedFace',
    payload: { imageId: 'a', box: { x: 1, y: 2, width: 3, height: 4 } },
  };
  const other = { type: 'later.v1m0.Thing', payload: { ...line.payload, text: '', label: 'thing' } };
  const { findings } = fold([face, other]).a;
  expect(findings[0].corners[2]).toEqual({ x: 4, y: 6 });
  expect(findings[1]).toMatchObject({ kind: 'code', label: 'thing' });
});

test('a finding is told with its kind once: beside what was read, or in its place', () => {
  const face = { type: 'faceextract.v1m0.ExtractedFace', payload: { imageId: 'a', box: {}, confidence: 0.974 } };
  expect(fold([face, line]).a.findings.map(wordsOf)).toEqual([
    { what: 'face', beside: '97 %' },
    { what: 'HELLO', beside: 'text, 90 %' },
  ]);
});

test('messages that are about no image change nothing', () => {
  const before = fold([accepted]);
  expect(withMessage(before, { type: 'ingest.v1m0.TransactionClosed', payload: {} })).toBe(before);
});
