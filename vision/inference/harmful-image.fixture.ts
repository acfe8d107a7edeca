/**
 * Preloaded into an inference child by tests: an image that ends with a mark makes the child use up its heap, or hang, as a
 * defect of a service would on some image.
 */
import type { ToChild } from './messages.ts';

const EATS = Buffer.from('eats all memory');
const HANGS = Buffer.from('never ends');

process.prependListener('message', (received: unknown) => {
  const message = received as ToChild;
  if (message.kind !== 'analyse') return;
  const endsWith = (mark: Buffer) => mark.equals(message.bytes.subarray(-mark.length));
  const kept: object[] = [];
  while (endsWith(EATS)) kept.push({ n: kept.length, text: `${kept.length}` });
  while (endsWith(HANGS));
});
