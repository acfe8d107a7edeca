/** What a process that keeps state is called: by its host and its data folder. */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';

/** Names this node towards the others of its service, alike after every restart. @param dataFolder its own */
export function nodeName(dataFolder: string): string {
  const folder = createHash('sha256').update(resolve(dataFolder)).digest('hex').slice(0, 8);
  return `${hostname()}-${folder}`;
}
