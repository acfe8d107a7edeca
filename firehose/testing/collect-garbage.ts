/** What is left after it is what is held. */
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // What is freed by finalizers, and the memory of buffers, go one turn later.
  for (let i = 0; i < 3; i++) {
    await turn();
    collect();
  }
}
