/**
 * The rolling hash over a client's entries:
 *
 *   chain(0) = 8 zero bytes;  chain(n) = first 8 bytes of SHA-256(chain(n − 1) ‖ frame(n))
 *
 * where frame(n) is the n-th entry's frame exactly as the default HTTP format sends it, its line end included. Whoever
 * keeps every frame since a position whose chain he knows can compute the chain himself and compare: equal means that
 * he holds the same bytes in the same order, not merely as many.
 */
import { hash } from 'node:crypto';

export const CHAIN_BYTES = 8;
export const CHAIN_START: Buffer = Buffer.alloc(CHAIN_BYTES);

let scratch = Buffer.allocUnsafeSlow(16_384);

/** The chain after `frame`, given the one before it. */
export function nextChain(chain: Uint8Array, frame: Uint8Array): Buffer {
  // One contiguous buffer: the one-shot hash costs less than half of a Hash object with two updates.
  const length = CHAIN_BYTES + frame.length;
  if (length > scratch.length) scratch = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(length)));
  scratch.set(chain, 0);
  scratch.set(frame, CHAIN_BYTES);
  return hash('sha256', scratch.subarray(0, length), 'buffer').subarray(0, CHAIN_BYTES);
}
