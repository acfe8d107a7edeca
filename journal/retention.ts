/** Which volumes a journal no longer keeps. */
import type { JournalWriterOptions } from './writer-options.ts';

/**
 * @param sealed oldest first; the newest volume, of `activeBytes`, is always kept
 * @param now ms
 * @returns the bases of the oldest ones, up to the first that is neither too old nor too much
 */
export function retiredVolumes(
  sealed: readonly { readonly base: number; readonly appended: number; readonly bytes: number }[],
  activeBytes: number,
  now: number,
  { retentionMs, retentionBytes }: Required<Pick<JournalWriterOptions, 'retentionMs' | 'retentionBytes'>>,
): number[] {
  let total = sealed.reduce((sum, volume) => sum + volume.bytes, activeBytes);
  const retired: number[] = [];
  for (const volume of sealed) {
    if (now - volume.appended < retentionMs && total <= retentionBytes) break;
    retired.push(volume.base);
    total -= volume.bytes;
  }
  return retired;
}
