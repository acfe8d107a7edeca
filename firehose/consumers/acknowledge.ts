/** Moves the checkpoint of a named consumer from its own connection. */
import { Problem } from '../../protocol/http/problem.ts';
import type { Firehose } from '../firehose.ts';
import type { Stream } from '../stream/stream.ts';

/** @throws {Problem} the stream is no named consumer's, has lost it, or has not sent so much yet */
export async function acknowledge(firehose: Firehose, stream: Stream, offset: number): Promise<void> {
  const { client, consumer, epoch } = stream.plan;
  if (consumer === undefined) {
    throw new Problem(
      'consumer-conflict',
      'This stream is no named consumer\'s: ask for one with from {"consumer": name}.',
    );
  }
  if (offset > stream.position) throw notSent(offset, stream.position);
  await firehose.consumers.checkpoint(client, consumer, { epoch, offset }, stream.id);
}

export function notSent(offset: number, sent: number): Problem {
  return new Problem('consumer-conflict', `Offset ${offset} has not been sent to the consumer, only up to ${sent}.`, {
    members: { sent },
  });
}
