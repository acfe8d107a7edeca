/** What goes wrong between this process and Kafka, with the name that the protocol gives it. */

export class KafkaFault extends Error {
  override readonly name = 'KafkaFault';
  /** As in Kafka's protocol guide, e.g. NOT_LEADER_OR_FOLLOWER; CONNECTION where there was no answer. */
  readonly code: string;
  /** The same request may succeed later, perhaps at another broker. */
  readonly retriable: boolean;

  constructor(code: string, message: string, retriable: boolean, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
    this.retriable = retriable;
  }
}

export function isFault(error: unknown, ...codes: readonly string[]): error is KafkaFault {
  return error instanceof KafkaFault && (codes.length === 0 || codes.includes(error.code));
}
