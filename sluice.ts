/** The `sluice` command: every sub-command with its options. What each does is a file of sdk/commands. */
import { Command, CommanderError } from 'commander';
import { ConfigError } from './protocol/config/load.ts';
import { clientsCommand } from './sdk/commands/clients.ts';
import { configCommand } from './sdk/commands/config-command.ts';
import { deadLetterCommand } from './sdk/commands/dead-letters.ts';
import { demoCommand } from './sdk/commands/demo.ts';
import { UsageError } from './sdk/commands/errors.ts';
import { journalCommand } from './sdk/commands/journal.ts';
import { keysCommand } from './sdk/commands/keys.ts';
import { lagCommand } from './sdk/commands/lag.ts';
import { mirrorCommand } from './sdk/commands/mirror.ts';
import { offsetsCommand } from './sdk/commands/offsets.ts';
import { roleCommands } from './sdk/commands/run-roles.ts';
import { scaleCommand } from './sdk/commands/scale.ts';
import { submitCommand } from './sdk/commands/submit.ts';
import { tailCommand } from './sdk/commands/tail.ts';
import { tokenCommand } from './sdk/commands/token.ts';
import { topicsCommand } from './sdk/commands/topics.ts';
import { webhooksCommand } from './sdk/commands/webhooks.ts';

const WRONG_USAGE = 2;
const FAILED = 1;

const program = new Command('sluice')
  .description('A firehose-first streaming gateway: images in, descriptions out on one resumable HTTP stream')
  .exitOverride()
  .addHelpText(
    'after',
    '\nSettings are flags, SLUICE_… variables or a JSON file: sluice config --explain lists them.\nExit codes: 0 done, 1 failed, 2 wrong usage.',
  )
  .showHelpAfterError('(add --help for the options)');
for (const command of [
  ...roleCommands(),
  tokenCommand(),
  clientsCommand(),
  keysCommand(),
  submitCommand(),
  tailCommand(),
  mirrorCommand(),
  journalCommand(),
  topicsCommand(),
  lagCommand(),
  offsetsCommand(),
  deadLetterCommand(),
  webhooksCommand(),
  configCommand(),
  scaleCommand(),
  demoCommand(),
])
  adopt(program, command);

// Whoever reads the output has seen enough, as in `sluice dlq list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : FAILED));

try {
  await program.parseAsync();
} catch (error) {
  // At once: what was opened on the way to the error must not keep the process alive.
  process.exit(report(error));
}

/** Every command, however deep, reports wrong usage the same way. */
function adopt(parent: Command, command: Command): void {
  if (command.parent === null) parent.addCommand(command);
  command.copyInheritedSettings(parent);
  for (const child of command.commands) adopt(command, child as Command);
}

/** Says what went wrong on stderr, and gives the exit code for it. */
function report(error: unknown): number {
  // commander has printed its own message by now; help and version are no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`sluice: ${message}\n`);
  return error instanceof UsageError || error instanceof ConfigError ? WRONG_USAGE : FAILED;
}
