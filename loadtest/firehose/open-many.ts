/** Opens many connections, some at a time. */
import type { Socket } from 'node:net';
import type { Publisher } from './publisher.ts';
import { openReader } from './raw-reader.ts';

/** Opened at once. */
const OPENING = 64;

/** @param reader makes what the data of one more connection is handed to */
export async function openMany(
  count: number,
  { port, request }: Pick<Publisher, 'port' | 'request'>,
  reader: () => (data: Buffer) => void,
): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const now = Math.min(OPENING, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: now }, () => openReader(port, request, reader())))));
  }
  return sockets;
}
