/** A log with some of its methods replaced: how what every role does with it is measured and watched. */
import type { Log } from './log.ts';

/** All other methods go to the log itself, whatever a Log may learn to do. */
export function overrideLog(log: Log, methods: Partial<Log>): Log {
  return new Proxy(log, {
    get(target, name) {
      const found = Object.hasOwn(methods, name) ? methods[name as keyof Log] : target[name as keyof Log];
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}
