/**
 * Preloaded into an inference child by tests: an image that ends with a mark harms the child as a defect of a service would on
 * some image, at the moment when the image arrives in it.
 *
 * SIGSEGV is what a native crash ends with, SIGKILL what the kernel sends to whom it chooses when the machine runs out of memory.
 */
import type { ToChild } from './messages.ts';

const SIGNALS: Readonly<Record<string, NodeJS.Signals>> = {
  'always crashes': 'SIGSEGV',
  'crashes once': 'SIGSEGV',
  'is chosen by the kernel': 'SIGKILL',
  'is stopped': 'SIGSTOP',
};
const EATS = Buffer.from('eats all memory');
const HANGS = Buffer.from('never ends');

process.prependListener('message', (received: unknown) => {
  const message = received as ToChild;
  if (message.kind !== 'analyse') return;
  const endsWith = (mark: Buffer) => mark.equals(message.bytes.subarray(-mark.length));
  for (const [mark, signal] of Object.entries(SIGNALS))
    if (endsWith(Buffer.from(mark))) process.kill(process.pid, signal);
  const kept: object[] = [];
  while (endsWith(EATS)) kept.push({ n: kept.length, text: `${kept.length}` });
  while (endsWith(HANGS));
});
