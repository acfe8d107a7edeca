import { describe, expect, test } from 'vitest';
import type { Problem } from '../../protocol/http/problem.ts';
import { parseStreamRequest } from './parse-request.ts';
import { parseQueryRequest } from './query-request.ts';

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
    [{ from: { consumer: 'a b' } }, '/from/consumer'],
    [{ until: {} }, '/until'],
    [{ follow: 'no' }, '/follow'],
    [{ filter: { types: [] } }, '/filter/types'],
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
    [{ form: 'x' }, 'query/form'],
    [{ from: 'x' }, 'query/from'],
    [{ from: ['1', '2'] }, 'query/from'],
    [{ from: 'earliest', consumer: 'c' }, 'query/consumer'],
    [{ follow: '1' }, 'query/follow'],
    [{ shard: '5' }, 'query/shard'],
    [{ max_rate_bytes: 'fast' }, 'query/max_rate_bytes'],
    [{ filter: '1 +' }, 'query/filter'],
  ])('%j is refused at %s', (query, field) => {
    expect(errorsOf(() => parseQueryRequest(query, undefined)).map((error) => error.field)).toContain(field);
  });
});
