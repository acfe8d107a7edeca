/**
 * The query form of a firehose request, for EventSource and curl: turned into the JSON form, and errors named after the
 * parameters.
 */
import { Problem } from '../../protocol/http/problem.ts';
import { parseStreamRequest } from './parse-request.ts';
import type { StreamRequest } from './stream-request.ts';

type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What each parameter becomes: the JSON Pointer of the field, and how its text is read. */
const PARAMETERS: Readonly<Record<string, { readonly pointer: string; readonly read: (text: string) => unknown }>> = {
  from: { pointer: '/from', read: position },
  from_time: { pointer: '/from/time', read: String },
  consumer: { pointer: '/from/consumer', read: String },
  until: { pointer: '/until', read: position },
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
  shard: { pointer: '/shard', read: shard },
  heartbeat_ms: { pointer: '/heartbeat_ms', read: number },
  on_gap: { pointer: '/on_gap', read: String },
};

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
    if (put(body, parameter.pointer, parameter.read(value)) === 'taken') throw refused(name, 'goes not with another');
    names.set(parameter.pointer, name);
  }
  if (lastEventId !== undefined) body.from = position(lastEventId);
  return parseStreamRequest(body, (pointer) => {
    if (lastEventId !== undefined && pointer.startsWith('/from')) return 'header/last-event-id';
    const exact = names.get(pointer) ?? names.get(pointer.slice(0, pointer.lastIndexOf('/')));
    return exact === undefined ? `query${pointer}` : `query/${exact}`;
  });
}

function refused(name: string, detail: string): Problem {
  const field = `query/${name}`;
  return new Problem('invalid-request', `${field} ${detail}.`, { members: { errors: [{ field, detail }] } });
}

function put(body: Record<string, unknown>, pointer: string, value: unknown): 'taken' | 'put' {
  const path = pointer.slice(1).split('/');
  let at = body;
  for (const name of path.slice(0, -1)) {
    at[name] ??= {};
    if (typeof at[name] !== 'object') return 'taken';
    at = at[name] as Record<string, unknown>;
  }
  const last = path.at(-1)!;
  if (at[last] !== undefined) return 'taken';
  at[last] = value;
  return 'put';
}

/** `earliest`, `latest`, `offset` or `epoch:offset`; anything else is left for the check to refuse. */
function position(text: string): unknown {
  const match = /^(?:([0-9a-z]+):)?(-1|\d{1,16})$/.exec(text);
  if (match === null) return text;
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
  return match === null ? text : { index: Number(match[1]), count: Number(match[2]) };
}
