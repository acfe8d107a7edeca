/** How the programs of this folder read their command line and end: 0 done, 1 failed, 2 wrong usage, as `sluice` does. */
import { type Command, CommanderError, InvalidArgumentError } from 'commander';

/** What was asked for cannot be done as it was written: the program ends with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Runs the command. What goes wrong is told in a line, not in a stack. */
export async function runProgram(command: Command): Promise<void> {
  try {
    await command.exitOverride().parseAsync();
  } catch (error) {
    // Commander has said already what was wrong, or has been asked for its help.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      process.stderr.write(`${command.name()}: ${messageOf(error)}\n`);
      process.exitCode = error instanceof UsageError ? 2 : 1;
    }
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Failures of several addresses of a host come as one without a message of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error.message;
}

/** @throws {InvalidArgumentError} */
export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0 is needed');
  return value;
}

/** @throws {InvalidArgumentError} */
export function notNegative(text: string): number {
  const value = Number(text);
  if (!(value >= 0) || text.trim() === '') throw new InvalidArgumentError('a number of at least 0 is needed');
  return value;
}
