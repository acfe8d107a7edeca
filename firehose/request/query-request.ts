/**
 * The query form of a firehose request, for EventSource and curl: turned into the JSON form, and errors named after the
 * parameters.
 */
import { invalidField, Problem } from '../../protocol/http/problem.ts';
import { parseStreamRequest } from './parse-request.ts';
import type { StreamRequest } from './stream-request.ts';

type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

interface Parameter {
  /** The JSON Pointer of the field that it becomes. */
  readonly pointer: string;
  /** Reads its text; what it leaves as it is, the check of the field refuses. */
  readonly read: (text: string) => unknown;
  /** What is accepted, where `read` gives undefined for everything else. */
  readonly form?: string;
}

const PARAMETERS: Readonly<Record<string, Parameter>> = {
  from: { pointer: '/from', read: start, form: 'earliest, latest, OFFSET or EPOCH:OFFSET' },
  from_time: { pointer: '/from/time', read: String },
  consumer: { pointer: '/from/consumer', read: String },
  until: { pointer: '/until', read: position, form: 'OFFSET or EPOCH:OFFSET' },
  until_time: { pointer: '/until/time', read: String },
  follow: { pointer: '/follow', read: flag },
  types: { pointer: '/filter/types', read: list },
  transactions: { pointer: '/filter/transactions', read: list },
  labels: { pointer: '/filter/labels', read: list },
  min_confidence: { pointer: '/filter/min_confidence', read: number },
  filter: { pointer: '/filter/expression', read: String },
  max_rate_messages: { pointer: '/max_rate/messages', read: number },
  max_rate_bytes: { pointer: '/max_rate/bytes', read: number },
  batch_messages: { pointer: '/batch/messages', read: number },
  batch_wait_ms: { pointer: '/batch/wait_ms', read: number },
  shard: { pointer: '/shard', read: shard, form: 'INDEX/COUNT, such as 0/4' },
  heartbeat_ms: { pointer: '/heartbeat_ms', read: number },
  on_gap: { pointer: '/on_gap', read: String },
};

/** Fields that may be given in one way only. */
const SINGLE = ['from', 'until'];

/** The query parameters that a firehose request may have besides `access_token`. */
export const QUERY_PARAMETERS: readonly string[] = Object.keys(PARAMETERS);

/**
 * @param lastEventId the header `Last-Event-ID`, which an EventSource sends when it reconnects: it overrides `from`
 * @throws {Problem} invalid-request with all errors
 */
export function parseQueryRequest(query: Query, lastEventId: string | undefined): StreamRequest {
  const body: Record<string, unknown> = {};
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries(query)) {
    if (name === 'access_token' || value === undefined) continue;
    const parameter = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name]! : undefined;
    if (parameter === undefined) throw refused(name, `is no parameter here; known are ${QUERY_PARAMETERS.join(', ')}`);
    if (typeof value !== 'string') throw refused(name, 'is given more than once');
    if (lastEventId !== undefined && parameter.pointer.startsWith('/from')) continue;
    const field = parameter.pointer.split('/')[1]!;
    const other = [...names].find(([pointer]) => pointer.split('/')[1] === field)?.[1];
    if (other !== undefined && SINGLE.includes(field)) throw refused(name, `cannot be given together with ${other}`);
    const read = parameter.read(value);
    if (read === undefined) throw refused(name, `must be ${parameter.form}`);
    put(body, parameter.pointer, read);
    names.set(parameter.pointer, name);
  }
  if (lastEventId !== undefined) {
    body.from = position(lastEventId);
    if (body.from === undefined)
      throw invalidField('header/last-event-id', 'must be EPOCH:OFFSET, as the id of an event is');
  }
  return parseStreamRequest(body, (pointer) => {
    if (lastEventId !== undefined && pointer.startsWith('/from')) return 'header/last-event-id';
    const exact = names.get(pointer) ?? names.get(pointer.slice(0, pointer.lastIndexOf('/')));
    return exact === undefined ? `query${pointer}` : `query/${exact}`;
  });
}

/**
 * A query beside a body would be left unread, and nobody would be told.
 *
 * @throws {Problem} invalid-request with all parameters but `access_token`
 */
export function refuseQuery(query: unknown): void {
  const detail = 'is not read here: POST takes its request as JSON in the body';
  const errors = Object.keys(query ?? {})
    .filter((name) => name !== 'access_token')
    .map((name) => ({ field: `query/${name}`, detail }));
  if (errors.length === 0) return;
  const what = errors.map(({ field }) => field).join(', ');
  throw new Problem('invalid-request', `${what} ${detail}.`, { members: { errors } });
}

function refused(name: string, detail: string): Problem {
  return invalidField(`query/${name}`, detail);
}

function put(body: Record<string, unknown>, pointer: string, value: unknown): void {
  const path = pointer.slice(1).split('/');
  let at = body;
  for (const name of path.slice(0, -1)) {
    at[name] ??= {};
    at = at[name] as Record<string, unknown>;
  }
  at[path.at(-1)!] = value;
}

function start(text: string): unknown {
  return text === 'earliest' || text === 'latest' ? text : position(text);
}

/** `offset` or `epoch:offset` */
function position(text: string): unknown {
  const match = /^(?:([0-9a-z]+):)?(-1|\d{1,15})$/.exec(text);
  if (match === null) return undefined;
  const [, epoch, offset] = match;
  return epoch === undefined ? { offset: Number(offset) } : { epoch, offset: Number(offset) };
}

function flag(text: string): unknown {
  return text === 'true' ? true : text === 'false' ? false : text;
}

function list(text: string): unknown {
  return text.split(',');
}

function number(text: string): unknown {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** `index/count` */
function shard(text: string): unknown {
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
  return match === null ? undefined : { index: Number(match[1]), count: Number(match[2]) };
}
