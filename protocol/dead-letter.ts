/**
 * Dead letters: records that a service could not process, kept as they were, with the cause and where they came from.
 *
 * They lie on dead-letter-1 without an envelope of their own: the record may not have been one, and its token may
 * be what was wrong with it.
 */
import { DeadLetter } from './generated/deadletter/v1m0/deadletter_pb.js';
import { Timestamp } from './generated/google/protobuf/timestamp_pb.js';
import { PROBLEM_TYPES, type ProblemKey, problemUri } from './http/problem-types.ts';
import type { LogRecord, ProduceRecord } from './log/log.ts';

export interface DeadLetterCause {
  /** Who gave up, as in its consumer group: "vision-ocr-1.0", "firehose". */
  readonly service: string;
  readonly problem: ProblemKey;
  /** For an operator. */
  readonly detail: string;
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** The record for dead-letter-1, keyed as its source. */
export function deadLetterRecord(source: LogRecord, cause: DeadLetterCause): ProduceRecord {
  const letter: DeadLetter = {
    service: cause.service,
    source: { topic: source.topic, partition: source.partition, offset: source.offset },
    type: problemUri(cause.problem),
    title: PROBLEM_TYPES[cause.problem].title,
    detail: cause.detail,
    attempts: cause.attempts,
    time: Timestamp.fromDate(new Date(cause.time)),
    key: source.key,
    value: source.value ?? new Uint8Array(),
  };
  return { key: source.key, value: DeadLetter.toBinary(letter) };
}
