import { expect, test } from 'vitest';
import { foldTransaction, type TransactionMessage } from './transaction-state.ts';

let offset = 0;
const message = (type: string, payload: object): TransactionMessage => ({
  offset: offset++,
  time: new Date(offset * 1000).toISOString(),
  type,
  payload,
});
const accepted = (imageId: string, services: string[]) =>
  message('ingest.v1m0.ImageAccepted', { imageId, name: `${imageId}.jpg`, mediaType: 'image/jpeg', services });
const line = (imageId: string) => message('ocr.v1m0.TextLine', { imageId, text: 'x' });
const completed = (imageId: string, service: string, results: number) =>
  message('completion.v1m0.ServiceCompleted', { imageId, service, results });
const failed = (imageId: string, service: string) =>
  message('completion.v1m0.ServiceFailed', { imageId, service, type: '/problems/x', title: 'X', detail: 'why' });
const closed = (expectedImages = 0) => message('ingest.v1m0.TransactionClosed', { expectedImages });
const opened = (expectedImages: number) => message('ingest.v1m0.TransactionOpened', { expectedImages });
const fold = (...messages: TransactionMessage[]) => foldTransaction('t', messages);

test('a transaction nobody has closed is open, however much is done', () => {
  const state = fold(accepted('a', ['ocr']), completed('a', 'ocr', 0));
  expect(state).toMatchObject({ state: 'open', expected_images: null });
  expect(state.images[0]).toMatchObject({ image: 'a', name: 'a.jpg', services: { ocr: { state: 'completed' } } });
});

test('it is complete when it is closed and every granted service has finished every image', () => {
  const messages = [accepted('a', ['ocr', 'barcode']), closed(), completed('a', 'ocr', 3)];
  expect(fold(...messages).state).toBe('closed');
  expect(fold(...messages, failed('a', 'barcode')).state).toBe('complete');
});

test('the announced number of images closes it without a word', () => {
  const messages = [opened(2), accepted('a', []), accepted('b', ['ocr'])];
  expect(fold(...messages.slice(0, 2)).state).toBe('open');
  expect(fold(...messages).state).toBe('closed');
  expect(fold(...messages, completed('b', 'ocr', 1)).state).toBe('complete');
});

test('results are counted as they come, and as the service counts them once it is done', () => {
  const messages = [accepted('a', ['ocr']), line('a'), line('a')];
  expect(fold(...messages).images[0]!.services.ocr).toEqual({ state: 'pending', results: 2 });
  expect(fold(...messages, completed('a', 'ocr', 3)).images[0]!.services.ocr).toEqual({
    state: 'completed',
    results: 3,
  });
});

test('a failure carries its problem', () => {
  expect(fold(accepted('a', ['ocr']), failed('a', 'ocr')).images[0]!.services.ocr).toEqual({
    state: 'failed',
    results: 0,
    problem: { type: '/problems/x', title: 'X', detail: 'why' },
  });
});

test('the latest summary stands, and the fold says where it was read', () => {
  const first = message('summary.v1m0.TransactionSummary', { revision: 1 });
  const second = message('summary.v1m0.TransactionSummary', { revision: 2 });
  expect(fold(first, second)).toMatchObject({
    summary: { revision: 2 },
    first_offset: first.offset,
    last_offset: second.offset,
    messages: 2,
  });
});

test('what is known of an image whose acceptance has been retired is left out', () => {
  expect(fold(completed('gone', 'ocr', 1)).images).toEqual([]);
});
