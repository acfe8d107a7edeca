/** Understands the JSON body of a firehose request, or says of each field what is wrong with it. */
import { compileExpression, type Expression } from '../filter/expression.ts';
import { FilterError } from '../filter/filter-error.ts';
import { Checker } from './checker.ts';
import type { Filter, From, Rate, StreamRequest, Until } from './stream-request.ts';

const FIELDS = ['from', 'until', 'follow', 'filter', 'max_rate', 'batch', 'shard', 'heartbeat_ms', 'on_gap'] as const;
const FROM_FORMS = '"earliest", "latest", {"offset": n}, {"epoch": e, "offset": n}, {"time": t} or {"consumer": name}';
const MAX_VALUES = 100;
const MAX_SHARDS = 1024;
const MAX_EXPRESSION_LENGTH = 4096;
const MIN_HEARTBEAT_MS = 100;
const MAX_HEARTBEAT_MS = 3_600_000;
const EPOCH = /^[0-9a-z]{1,64}$/;
/** Names that clients choose: transactions, consumers. */
export const CHOSEN_NAME = /^[A-Za-z0-9._~-]{1,128}$/;
const CHOSEN_NAME_RULE = '1 to 128 letters, digits, ".", "_", "~" or "-"';

/**
 * @param body undefined or null asks for everything by default: follow from the latest
 * @param nameOf what a field is called to the client, by its JSON Pointer
 * @throws {Problem} invalid-request with all errors
 */
export function parseStreamRequest(body: unknown, nameOf?: (pointer: string) => string): StreamRequest {
  const check = new Checker(nameOf);
  const request = readRequest(check, body ?? {});
  check.refuse();
  return request;
}

function readRequest(check: Checker, body: unknown): StreamRequest {
  const fields = check.object(body, '', FIELDS) ?? {};
  return {
    from: readFrom(check, fields.from) ?? { kind: 'latest' },
    until: readUntil(check, fields.until),
    follow: check.boolean(fields.follow, '/follow') ?? true,
    filter: readFilter(check, fields.filter, '/filter'),
    maxRate: readRate(check, fields.max_rate, '/max_rate'),
    batch: readBatch(check, fields.batch),
    shard: readShard(check, fields.shard),
    heartbeatMs: check.integer(fields.heartbeat_ms, '/heartbeat_ms', MIN_HEARTBEAT_MS, MAX_HEARTBEAT_MS),
    onGap: check.choice(fields.on_gap, '/on_gap', ['fail', 'earliest']) ?? 'fail',
  };
}

function readFrom(check: Checker, value: unknown): From | undefined {
  if (value === undefined) return undefined;
  if (value === 'earliest' || value === 'latest') return { kind: value };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return check.wrong('/from', `must be ${FROM_FORMS}`);
  }
  const fields = check.object(value, '/from', ['epoch', 'offset', 'time', 'consumer']) ?? {};
  const chosen = ['offset', 'time', 'consumer'].filter((name) => fields[name] !== undefined);
  if (chosen.length !== 1) return check.wrong('/from', `must be exactly one of ${FROM_FORMS}`);
  if (fields.epoch !== undefined && fields.offset === undefined) {
    return check.wrong('/from/epoch', 'goes only together with offset');
  }
  switch (chosen[0]) {
    case 'time': {
      const time = check.time(fields.time, '/from/time');
      return time === undefined ? undefined : { kind: 'time', time };
    }
    case 'consumer': {
      const name = check.text(fields.consumer, '/from/consumer', CHOSEN_NAME, CHOSEN_NAME_RULE);
      return name === undefined ? undefined : { kind: 'consumer', name };
    }
    default:
      return readOffset(check, fields, '/from');
  }
}

function readOffset(check: Checker, fields: Readonly<Record<string, unknown>>, pointer: string) {
  const offset = check.integer(fields.offset, `${pointer}/offset`, -1);
  const epoch = check.text(fields.epoch, `${pointer}/epoch`, EPOCH, 'an epoch as hello gives it');
  return offset === undefined ? undefined : ({ kind: 'offset', epoch, offset } as const);
}

function readUntil(check: Checker, value: unknown): Until | undefined {
  const fields = check.object(value, '/until', ['epoch', 'offset', 'time']);
  if (fields === undefined) return undefined;
  if ((fields.offset === undefined) === (fields.time === undefined)) {
    return check.wrong('/until', 'must be exactly one of {"offset": n}, {"epoch": e, "offset": n} or {"time": t}');
  }
  if (fields.offset !== undefined) return readOffset(check, fields, '/until');
  const time = check.time(fields.time, '/until/time');
  return time === undefined ? undefined : { kind: 'time', time };
}

const FILTER_FIELDS = ['types', 'transactions', 'labels', 'min_confidence', 'expression'] as const;

export function readFilter(check: Checker, value: unknown, pointer: string): Filter {
  const fields = check.object(value, pointer, FILTER_FIELDS) ?? {};
  return {
    types: readTypes(check, fields.types, `${pointer}/types`),
    transactions: check.texts(fields.transactions, `${pointer}/transactions`, MAX_VALUES),
    labels: check.texts(fields.labels, `${pointer}/labels`, MAX_VALUES),
    minConfidence: check.number(fields.min_confidence, `${pointer}/min_confidence`, 0, 1),
    expression: readExpression(check, fields.expression, `${pointer}/expression`),
  };
}

function readTypes(check: Checker, value: unknown, pointer: string): readonly string[] | undefined {
  const types = check.texts(value, pointer, MAX_VALUES);
  // Webhooks take them: here one would match nothing, and nobody would be told.
  const pattern = types?.find((type) => type.includes('*'));
  if (pattern === undefined) return types;
  const prefix = pattern.slice(0, pattern.indexOf('*'));
  const instead = `for more than one use an expression such as message.type.startsWith('${prefix}')`;
  return check.wrong(pointer, `must be whole types such as ocr.v1m0.TextLine; ${instead}`);
}

function readExpression(check: Checker, value: unknown, pointer: string): Expression | undefined {
  const what = `a CEL expression of 1 to ${MAX_EXPRESSION_LENGTH} characters`;
  const source = check.text(value, pointer, new RegExp(`^[^]{1,${MAX_EXPRESSION_LENGTH}}$`), what);
  if (source === undefined) return undefined;
  try {
    return compileExpression(source);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const { start, end } = error.range;
    const at = source.slice(start, end) || source.slice(start, start + 1) || 'its end';
    return check.wrong(pointer, `is refused at character ${start} (${at}): ${error.message}`, error.range);
  }
}

export function readRate(check: Checker, value: unknown, pointer: string): Rate {
  const fields = check.object(value, pointer, ['messages', 'bytes']) ?? {};
  return {
    messages: check.number(fields.messages, `${pointer}/messages`, 0.1, 1e9),
    bytes: check.number(fields.bytes, `${pointer}/bytes`, 1, 1e12),
  };
}

function readBatch(check: Checker, value: unknown): StreamRequest['batch'] {
  const fields = check.object(value, '/batch', ['messages', 'wait_ms']) ?? {};
  return {
    messages: check.integer(fields.messages, '/batch/messages', 1, 100_000),
    waitMs: check.integer(fields.wait_ms, '/batch/wait_ms', 0, 60_000),
  };
}

function readShard(check: Checker, value: unknown): StreamRequest['shard'] {
  const fields = check.object(value, '/shard', ['index', 'count']);
  if (fields === undefined) return undefined;
  const count = check.integer(fields.count, '/shard/count', 1, MAX_SHARDS);
  const index = check.integer(fields.index, '/shard/index', 0, MAX_SHARDS - 1);
  if (fields.count === undefined) return check.wrong('/shard/count', 'is missing');
  if (fields.index === undefined) return check.wrong('/shard/index', 'is missing');
  if (count === undefined || index === undefined) return undefined;
  if (index >= count) return check.wrong('/shard/index', `must be below count, which is ${count}`);
  return { index, count };
}
