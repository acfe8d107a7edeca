/** Errors of the log, the same for every implementation. */

export class UnknownTopicError extends Error {
  override readonly name = 'UnknownTopicError';
  constructor(topic: string) {
    super(`topic '${topic}' does not exist`);
  }
}

export class RecordTooLargeError extends Error {
  override readonly name = 'RecordTooLargeError';
  constructor(topic: string, bytes: number, limit: number) {
    super(`a record of ${bytes} bytes exceeds the ${limit} that topic '${topic}' takes`);
  }
}

/** The log cannot be reached or cannot write. Whether the last operation took effect is unknown. */
export class LogUnavailableError extends Error {
  override readonly name = 'LogUnavailableError';
}

/** A position lies past the end of its partition: it belongs to another incarnation of the topic. */
export class OffsetOutOfRangeError extends Error {
  override readonly name = 'OffsetOutOfRangeError';
  constructor(topic: string, partition: number, offset: number, end: number) {
    super(`offset ${offset} of ${topic}/${partition} lies past its end ${end}`);
  }
}

export class GroupActiveError extends Error {
  override readonly name = 'GroupActiveError';
  constructor(group: string) {
    super(`group '${group}' has connected members; stop them before moving its offsets`);
  }
}
