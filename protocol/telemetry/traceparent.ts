/** The `traceparent` of W3C Trace Context (level 2): which trace something belongs to, in one header or envelope field. */
import { randomBytes } from 'node:crypto';

export interface TraceContext {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits, not all zero: the span that caused what carries this. */
  readonly spanId: string;
  /** Whether spans of this trace are recorded. */
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

/** @returns undefined for anything that the specification says to ignore */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(text ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  // A later version may append fields; version 00 may not, and ff is forbidden.
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags!, 16) & SAMPLED) === SAMPLED };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** A trace that nobody records: its id still ties the log lines of one submission together. */
export function newTraceContext(random: (bytes: number) => Buffer = randomBytes): TraceContext {
  // The first byte of each is made odd: all zero is no id.
  const id = (bytes: number) => {
    const value = random(bytes);
    value[0]! |= 1;
    return value.toString('hex');
  };
  return { traceId: id(16), spanId: id(8), sampled: false };
}
