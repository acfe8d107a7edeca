/** `sluice dlq list|show|replay`: the records that services could not process, and sending them on their way again. */
import { Command } from 'commander';
import { EnvelopeError, unpackEvent } from '../../protocol/envelope.ts';
import { DeadLetter } from '../../protocol/generated/deadletter/v1m0/deadletter_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import type { Log } from '../../protocol/log/log.ts';
import { readToEnd } from '../../protocol/log/read-to-end.ts';
import { DEAD_LETTER_TOPIC } from '../../protocol/log/topics.ts';
import { UsageError } from './errors.ts';
import { addSettings, settingsOf } from './settings.ts';
import { withLog } from './with-log.ts';

interface Filed {
  readonly offset: number;
  readonly letter: DeadLetter;
}

export function deadLetterCommand(): Command {
  const command = new Command('dlq').description('Dead letters: records that a service gave up on');
  const list = new Command('list').description('One line of JSON per dead letter, oldest first');
  addSettings(list).action(async () => {
    await withLog(await settingsOf(list), async (log) => {
      for (const filed of await readLetters(log)) process.stdout.write(`${JSON.stringify(outline(filed))}\n`);
    });
  });
  const show = new Command('show').description('A dead letter with the envelope it holds').argument('<offset>');
  addSettings(show).action(async (offset: string) => {
    await withLog(await settingsOf(show), async (log) => {
      const filed = find(await readLetters(log), offset);
      process.stdout.write(`${JSON.stringify({ ...outline(filed), record: recordOf(filed.letter) }, null, 2)}\n`);
    });
  });
  const replay = new Command('replay')
    .description('Put the source records of dead letters back on their topics, as they were')
    .argument('<offset...>', 'offsets as `sluice dlq list` gives them, or all');
  addSettings(replay).action(async (offsets: string[]) => {
    await withLog(await settingsOf(replay), async (log) => {
      const letters = await readLetters(log);
      const chosen = offsets.includes('all') ? letters : offsets.map((offset) => find(letters, offset));
      for (const { offset, letter } of chosen) {
        const { topic, partition } = await replayLetter(log, letter);
        process.stdout.write(`${JSON.stringify({ offset, replayed: { topic, partition } })}\n`);
      }
    });
  });
  for (const part of [list, show, replay]) command.addCommand(part);
  return command;
}

async function readLetters(log: Log): Promise<Filed[]> {
  const letters: Filed[] = [];
  await readToEnd(log, DEAD_LETTER_TOPIC, ({ offset, value }) => {
    if (value !== null) letters.push({ offset, letter: DeadLetter.fromBinary(value) });
  });
  return letters.sort((a, b) => a.offset - b.offset);
}

function find(letters: readonly Filed[], offset: string): Filed {
  const filed = letters.find((candidate) => String(candidate.offset) === offset);
  if (filed === undefined)
    throw new UsageError(`there is no dead letter at offset '${offset}'; see \`sluice dlq list\``);
  return filed;
}

function outline({ offset, letter }: Filed) {
  return {
    offset,
    time: letter.time && Timestamp.toDate(letter.time).toISOString(),
    service: letter.service,
    source: letter.source,
    type: letter.type,
    title: letter.title,
    detail: letter.detail,
    attempts: letter.attempts,
    bytes: letter.value.byteLength,
  };
}

/** The record's envelope without its token, or what keeps it from being read. */
function recordOf(letter: DeadLetter): unknown {
  try {
    const { token: _secret, payload, eventTime, ...rest } = unpackEvent(letter.value);
    return { ...rest, eventTime: new Date(eventTime).toISOString(), payloadBytes: payload.byteLength };
  } catch (error) {
    if (error instanceof EnvelopeError) return { unreadable: error.message };
    throw error;
  }
}

async function replayLetter(log: Log, letter: DeadLetter): Promise<{ topic: string; partition: number }> {
  const topic = letter.source?.topic;
  if (topic === undefined) throw new UsageError('this dead letter does not say where it came from');
  const [produced] = await log.produce(topic, [{ key: letter.key ?? '', value: letter.value }]);
  return { topic, partition: produced!.partition };
}
