/** What requests to the firehose are answered with where they do not succeed, beside what every request may be (openapi.ts). */
import type { RouteProblems } from '../../protocol/http/openapi.ts';

const POSITIONS = ['wrong-epoch', 'offset-retired', 'offset-ahead'] as const;

/** A client's journal is read, on whichever node has it. */
export const READS_JOURNAL = { elsewhere: true, problems: ['unavailable'] } as const satisfies RouteProblems;

/** A stream is opened, or planned. */
export const OPENS_STREAM = {
  elsewhere: true,
  problems: [
    ...POSITIONS,
    'not-found',
    'not-acceptable',
    'consumer-conflict',
    'invalid-grant-configuration',
    'rate-limited',
    'unavailable',
  ],
} as const satisfies RouteProblems;

/** A position is kept. */
export const KEEPS_POSITION = {
  elsewhere: true,
  problems: [...POSITIONS, 'consumer-conflict', 'rate-limited', 'unavailable'],
} as const satisfies RouteProblems;

/** Something is said to an open stream. */
export const SPEAKS_TO_STREAM = {
  elsewhere: true,
  problems: [...POSITIONS, 'not-found', 'consumer-conflict', 'invalid-grant-configuration', 'unavailable'],
} as const satisfies RouteProblems;

/** The Durable Streams facade. */
export const READS_DURABLE = {
  elsewhere: true,
  problems: ['offset-retired', 'unavailable'],
} as const satisfies RouteProblems;
