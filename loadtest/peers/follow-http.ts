/** Follows a stream that is one HTTP response without end. */
import { openReader } from '../firehose/raw-reader.ts';
import type { Follower } from './peer.ts';
import { type Numbering, Sequence } from './sequence.ts';

/** @param head of the request @returns how to stop */
export async function followHttp(
  port: number,
  head: string,
  numbering: Numbering,
  { onMessage, onFault }: Follower,
): Promise<() => void> {
  const sequence = new Sequence(numbering);
  const socket = await openReader(port, head, (data) => {
    try {
      sequence.take(data, onMessage);
    } catch (error) {
      onFault(error as Error);
    }
  });
  socket.on('close', () => onFault(new Error('the stream was closed')));
  return () => {
    socket.removeAllListeners('close').destroy();
  };
}
