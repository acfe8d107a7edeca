/** What `sluice tail` and `sluice mirror` tell a person, on stderr, of what happens to their stream. */

import { ProblemError } from '../client/errors.ts';
import type { FirehoseEvent } from '../client/firehose.ts';
import { UsageError } from './errors.ts';

/** One line for what is worth one: undefined for the rest. */
export function describeEvent(event: FirehoseEvent): string | undefined {
  switch (event.kind) {
    case 'disconnected': {
      const why = event.cause instanceof Error ? reasons(event.cause) : `the server says ${reasonOf(event.cause)}`;
      return `${why}; again in ${(event.pauseMs / 1000).toFixed(1)} s`;
    }
    case 'gap':
      return event.error.message;
    default:
      return undefined;
  }
}

export function tellEvent(event: FirehoseEvent): void {
  const line = describeEvent(event);
  if (line !== undefined) process.stderr.write(`sluice: ${line}\n`);
}

/** A request that the server does not understand is one that was written wrongly: exit code 2, and each field's fault. */
export function asUsage(error: unknown): unknown {
  if (!(error instanceof ProblemError) || error.status !== 400) return error;
  const errors = Array.isArray(error.problem.errors) ? error.problem.errors : [];
  const faults = errors.map(({ field, detail }) => `${field} ${detail}`);
  return new UsageError(faults.length === 0 ? error.message : faults.join('; '), { cause: error });
}

/** With what lies at the bottom of it: fetch itself says no more than that it failed. */
function reasons(error: Error): string {
  let last = error;
  while (last.cause instanceof Error) last = last.cause;
  const reason = last.message || (last as NodeJS.ErrnoException).code || '';
  return last === error || reason === '' ? error.message : `${error.message} (${reason})`;
}

function reasonOf(goodbye: unknown): string {
  return typeof goodbye === 'object' && goodbye !== null && 'reason' in goodbye ? String(goodbye.reason) : 'goodbye';
}
