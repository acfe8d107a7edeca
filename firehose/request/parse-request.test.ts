import { describe, expect, test } from 'vitest';
import type { Problem } from '../../protocol/http/problem.ts';
import { parseStreamRequest } from './parse-request.ts';
import { parseQueryRequest, refuseQuery } from './query-request.ts';

const errorsOf = (read: () => unknown) => {
  try {
    read();
  } catch (error) {
    return (error as Problem).members.errors!;
  }
  throw new Error('the request is accepted');
};

test('nothing asks for everything from now on', () => {
  expect(parseStreamRequest(undefined)).toMatchObject({ from: { kind: 'latest' }, follow: true, onGap: 'fail' });
});

test('a request with everything is understood', () => {
  expect(
    parseStreamRequest({
      from: { epoch: 'e1', offset: 42 },
      until: { time: '2026-01-02T00:00:00Z' },
      follow: false,
      filter: { types: ['a.v1m0.B'], min_confidence: 0.5 },
      max_rate: { messages: 10, bytes: 1000 },
      batch: { messages: 100, wait_ms: 50 },
      shard: { index: 1, count: 4 },
      heartbeat_ms: 5000,
      on_gap: 'earliest',
    }),
  ).toMatchObject({
    from: { kind: 'offset', epoch: 'e1', offset: 42 },
    until: { kind: 'time', time: Date.parse('2026-01-02T00:00:00Z') },
    follow: false,
    filter: { types: ['a.v1m0.B'], minConfidence: 0.5 },
    maxRate: { messages: 10, bytes: 1000 },
    batch: { messages: 100, waitMs: 50 },
    shard: { index: 1, count: 4 },
    heartbeatMs: 5000,
    onGap: 'earliest',
  });
});

describe('each field that is wrong is named', () => {
  test.each([
    [[], '/'],
    [{ form: 'earliest' }, '/form'],
    [{ from: 'middle' }, '/from'],
    [{ from: { offset: 1, time: '2026-01-01T00:00:00Z' } }, '/from'],
    [{ from: { epoch: 'e1' } }, '/from'],
    [{ from: { offset: 1.5 } }, '/from/offset'],
    [{ from: { time: 'yesterday' } }, '/from/time'],
    [{ from: { time: '2026-02-30T12:00:00Z' } }, '/from/time'],
    [{ from: { time: '2026-01-01T12:00:00+25:00' } }, '/from/time'],
    [{ from: { consumer: 'a b' } }, '/from/consumer'],
    [{ until: {} }, '/until'],
    [{ follow: 'no' }, '/follow'],
    [{ filter: { types: [] } }, '/filter/types'],
    [{ filter: { types: ['ocr.*'] } }, '/filter/types'],
    [{ filter: { min_confidence: 2 } }, '/filter/min_confidence'],
    [{ filter: { colour: 'red' } }, '/filter/colour'],
    [{ max_rate: { messages: 0 } }, '/max_rate/messages'],
    [{ batch: { wait_ms: -1 } }, '/batch/wait_ms'],
    [{ shard: { index: 4, count: 4 } }, '/shard/index'],
    [{ shard: { index: 0 } }, '/shard/count'],
    [{ heartbeat_ms: 1 }, '/heartbeat_ms'],
    [{ on_gap: 'ignore' }, '/on_gap'],
  ])('%j at %s', (body, field) => {
    expect(errorsOf(() => parseStreamRequest(body)).map((error) => error.field)).toContain(field);
  });

  test('all of them at once', () => {
    expect(errorsOf(() => parseStreamRequest({ from: 1, follow: 1, shard: 1 }))).toHaveLength(3);
  });

  test('an expression with the position of its fault', () => {
    const [error] = errorsOf(() => parseStreamRequest({ filter: { expression: 'payload.a >' } }));
    expect(error).toMatchObject({ field: '/filter/expression', position: { start: 11 } });
    const [bare] = errorsOf(() => parseStreamRequest({ filter: { expression: 'offset > 5' } }));
    expect(bare).toMatchObject({ position: { start: 0, end: 6 }, detail: expect.stringContaining('message.offset') });
  });
});

describe('the query form', () => {
  test('says the same', () => {
    const query = { from: 'e1:42', types: 'a,b', follow: 'false', shard: '1/4', max_rate_messages: '10' };
    expect(parseQueryRequest(query, undefined)).toMatchObject({
      from: { kind: 'offset', epoch: 'e1', offset: 42 },
      filter: { types: ['a', 'b'] },
      follow: false,
      shard: { index: 1, count: 4 },
      maxRate: { messages: 10 },
    });
  });

  test('Last-Event-ID overrides where it began', () => {
    expect(parseQueryRequest({ from: 'earliest' }, 'e1:7').from).toEqual({ kind: 'offset', epoch: 'e1', offset: 7 });
    expect(errorsOf(() => parseQueryRequest({}, 'garbage'))[0]!.field).toBe('header/last-event-id');
  });

  test.each([
    [{ from: '5.5' }, 'must be earliest, latest, OFFSET or EPOCH:OFFSET'],
    [{ from: '99999999999999999999' }, 'must be earliest, latest, OFFSET or EPOCH:OFFSET'],
    [{ until: 'latest' }, 'must be OFFSET or EPOCH:OFFSET'],
    [{ shard: '0' }, 'must be INDEX/COUNT, such as 0/4'],
    [{ from: 'earliest', consumer: 'c' }, 'cannot be given together with from'],
  ])('%j is told what the query accepts, not what JSON does', (query, detail) => {
    expect(errorsOf(() => parseQueryRequest(query, undefined))).toMatchObject([{ detail }]);
  });

  test('beside a body it is refused, not left unread', () => {
    expect(errorsOf(() => refuseQuery({ from: 'earliest', access_token: 'x', follow: 'false' }))).toMatchObject([
      { field: 'query/from' },
      { field: 'query/follow' },
    ]);
    expect(() => refuseQuery({ access_token: 'x' })).not.toThrow();
  });

  test.each([
    [{ form: 'x' }, 'query/form'],
    [{ from: 'x' }, 'query/from'],
    [{ from: ['1', '2'] }, 'query/from'],
    [{ from: 'earliest', consumer: 'c' }, 'query/consumer'],
    [{ until: '5', until_time: '2026-01-01T00:00:00Z' }, 'query/until_time'],
    [{ until_time: '2026-01-01T00:00:00Z', until: '5' }, 'query/until'],
    [{ follow: '1' }, 'query/follow'],
    [{ shard: '5' }, 'query/shard'],
    [{ max_rate_bytes: 'fast' }, 'query/max_rate_bytes'],
    [{ filter: '1 +' }, 'query/filter'],
  ])('%j is refused at %s', (query, field) => {
    expect(errorsOf(() => parseQueryRequest(query, undefined)).map((error) => error.field)).toContain(field);
  });
});
