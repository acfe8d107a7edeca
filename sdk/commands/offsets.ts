/** `sluice offsets reset`: moves a consumer group to another position, after saying what that means. */
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import type { Log } from '../../protocol/log/log.ts';
import { UsageError } from './errors.ts';
import { addSettings, settingsOf } from './settings.ts';
import { withLog } from './with-log.ts';

interface Move {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

export function offsetsCommand(): Command {
  const reset = new Command('reset')
    .description("Move a group's position; says what will be done again or skipped, and asks")
    .requiredOption('--group <name>', 'The group, whose members must be stopped')
    .requiredOption('--topic <name>', 'The topic')
    .requiredOption('--to <position>', 'earliest, latest, or a time as in 2026-11-21T08:00:00Z')
    .option('--yes', 'Do not ask');
  addSettings(reset).action(async () => {
    const { group, topic, to, yes } = reset.opts<{ group: string; topic: string; to: string; yes?: boolean }>();
    await withLog(await settingsOf(reset), async (log) => {
      const moves = await plan(log, group, topic, to);
      process.stderr.write(`${describeMoves(group, topic, moves)}\n`);
      if (!yes && !(await confirmed())) throw new UsageError('nothing was changed: answer yes, or give --yes');
      await log.commitOffsets(group, topic, new Map(moves.map((move) => [move.partition, move.to])));
    });
  });
  return new Command('offsets').description('Positions of consumer groups').addCommand(reset);
}

/** @throws {UsageError} */
async function plan(log: Log, group: string, topic: string, to: string): Promise<Move[]> {
  const targets = await positions(log, topic, to);
  return (await log.lag(group, topic)).map(({ partition, committed, earliest, end }) => ({
    partition,
    from: committed ?? earliest,
    to: targets.get(partition) ?? end,
  }));
}

async function positions(log: Log, topic: string, to: string): Promise<ReadonlyMap<number, number>> {
  if (to === 'earliest' || to === 'latest') {
    const watermarks = await log.watermarks(topic);
    return new Map(watermarks.map((mark) => [mark.partition, to === 'earliest' ? mark.earliest : mark.end]));
  }
  const time = Date.parse(to);
  if (Number.isNaN(time)) throw new UsageError(`--to is earliest, latest or a time, not '${to}'`);
  return log.offsetsAt(topic, time);
}

function describeMoves(group: string, topic: string, moves: readonly Move[]): string {
  const again = moves.reduce((sum, { from, to }) => sum + Math.max(0, from - to), 0);
  const skipped = moves.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);
  const lines = moves
    .filter(({ from, to }) => from !== to)
    .map(({ partition, from, to }) => `  partition ${partition}: ${from} → ${to}`);
  return [
    ...lines,
    `'${group}' would process up to ${again} records of ${topic} again and skip up to ${skipped}.`,
    'Repeated results carry the same message ids, so journals and webhooks drop them.',
  ].join('\n');
}

async function confirmed(): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Where input ends, as in a script, no answer would ever come.
  const ended = once(terminal, 'close').then(() => 'no');
  try {
    return (await Promise.race([terminal.question('Go on? (yes/no) '), ended])) === 'yes';
  } finally {
    terminal.close();
  }
}
