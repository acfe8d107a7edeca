/** Where the journals of an epoch lie: an incarnation of the log has offsets of its own. */
import { join } from 'node:path';

export function journalFolder(folder: string, epoch: string, partition: number): string {
  return join(folder, epoch, String(partition));
}
