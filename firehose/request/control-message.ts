/** What a client may say to an open stream: as a line of its request's body, or as the body of a PATCH. */
import { Checker } from './checker.ts';
import { readFilter, readRate } from './parse-request.ts';
import type { Filter, Rate } from './stream-request.ts';

export type ControlMessage =
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'max_rate'; readonly rate: Rate }
  | { readonly kind: 'filter'; readonly filter: Filter }
  /** Everything up to the offset has been processed. */
  | { readonly kind: 'ack'; readonly offset: number };

const KINDS = ['pause', 'resume', 'max_rate', 'filter', 'ack'] as const;
const FIELDS = {
  pause: ['kind'],
  resume: ['kind'],
  max_rate: ['kind', 'messages', 'bytes'],
  filter: ['kind', 'types', 'transactions', 'labels', 'min_confidence', 'expression'],
  ack: ['kind', 'offset'],
} as const;

/** @throws {Problem} invalid-request */
export function parseControlMessage(body: unknown): ControlMessage {
  const check = new Checker();
  const message = read(check, body);
  check.refuse();
  return message!;
}

function read(check: Checker, body: unknown): ControlMessage | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return check.wrong('', `must be an object whose kind is one of ${KINDS.join(', ')}`);
  }
  const { kind: given, ...rest } = body as Record<string, unknown>;
  const kind = check.choice(given, '/kind', KINDS);
  if (given === undefined) check.wrong('/kind', `is missing; it is one of ${KINDS.join(', ')}`);
  if (kind === undefined) return undefined;
  check.object(body, '', FIELDS[kind]);
  switch (kind) {
    case 'max_rate':
      return { kind, rate: readRate(check, rest, '') };
    case 'filter':
      return { kind, filter: readFilter(check, rest, '') };
    case 'ack': {
      const offset = check.integer(rest.offset, '/offset', -1);
      if (rest.offset === undefined) check.wrong('/offset', 'is missing');
      return offset === undefined ? undefined : { kind, offset };
    }
    default:
      return { kind };
  }
}
