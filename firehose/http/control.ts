/** Carries out what a client says to its open stream, whichever way it came. */

import type { ControlApplied } from '../../protocol/frames.ts';
import { acknowledge } from '../consumers/acknowledge.ts';
import { wantedSource } from '../filter/wanted.ts';
import type { Firehose } from '../firehose.ts';
import type { ControlMessage } from '../request/control-message.ts';
import type { Rate, StreamRequest } from '../request/stream-request.ts';
import { lowerRate } from '../stream/pacer.ts';
import type { Stream } from '../stream/stream.ts';

/**
 * @param limit of the client: no pace is granted beyond it
 * @throws {Problem} the message cannot be carried out
 */
export async function carryOut(
  firehose: Firehose,
  stream: Stream,
  message: ControlMessage,
  limit: Rate,
  shard: StreamRequest['shard'],
): Promise<ControlApplied> {
  switch (message.kind) {
    case 'pause':
      return stream.pause();
    case 'resume':
      return stream.resume();
    case 'max_rate':
      return stream.setRate(lowerRate(limit, message.rate));
    case 'filter': {
      const { client } = stream.plan;
      return stream.setSource(
        wantedSource(() => firehose.journals.of(client), client, { filter: message.filter, shard }),
      );
    }
    case 'ack':
      await acknowledge(firehose, stream, message.offset);
      return stream.acknowledged(message.offset);
  }
}
