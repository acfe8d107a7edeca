/**
 * Preloaded into an inference child by a test: an image that ends with the mark makes the child use up its heap, as a defect
 * of a service would on some image.
 */
import type { ToChild } from './messages.ts';

const MARK = Buffer.from('eats all memory');

process.prependListener('message', (received: unknown) => {
  const message = received as ToChild;
  if (message.kind !== 'analyse' || !MARK.equals(message.bytes.subarray(-MARK.length))) return;
  const kept: object[] = [];
  for (;;) kept.push({ n: kept.length, text: `${kept.length}` });
});
