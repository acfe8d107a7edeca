/**
 * Keeps V8's young generation at the size that it has.
 *
 * While ten thousand connections are opened, more and more of it survives a collection, so V8 lets it grow to 128 MiB and
 * then, in a process that has little to do, never takes it back: 10 KiB for each of those connections. A worker that thousands
 * of images pass through gets 32 MiB the same way. What a stream or an image allocates is either gone at the next collection or
 * stays for long; a larger young generation gains nothing.
 */
import { setFlagsFromString } from 'node:v8';

/** Before there is anything to collect: it takes nothing back. Worker threads started later are held to it as well. */
export function keepYoungGenerationSmall(): void {
  // --max-semi-space-size is read once, when the process starts; the factor is read at each growth.
  setFlagsFromString('--semi-space-growth-factor=1');
}
