/** Understands what the options of `sluice tail` and `sluice mirror` say of the stream: where it begins and ends, what passes, how fast. */
import { type Command, Option } from 'commander';
import type { FirehoseFilter, FirehoseFrom, FirehoseOptions } from '../client/firehose.ts';
import { UsageError } from './errors.ts';

/** The values of the options as commander gives them. */
export interface StreamFlags {
  readonly since?: string;
  readonly until?: string;
  readonly consumer?: string;
  readonly follow?: boolean;
  readonly types?: string;
  readonly transactions?: string;
  readonly labels?: string;
  readonly minConfidence?: string;
  readonly filter?: string;
  readonly rate?: string;
  readonly onGap?: string;
}

const SINCE_FORMS = `earliest, latest, a duration such as 90s, 10m, 2h or 1d, a time such as 2026-01-31T12:00:00Z, or [EPOCH:]OFFSET of the last message that was processed`;
const UNTIL_FORMS =
  'a time such as 2026-01-31T12:00:00Z, past or to come, or [EPOCH:]OFFSET of the last message that is wanted';
const RATE_FORMS = 'messages per second such as 100, bytes per second such as 64KiB or 1MB, or both: 100,1MB';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KiB: 2 ** 10,
  MB: 1e6,
  MiB: 2 ** 20,
  GB: 1e9,
  GiB: 2 ** 30,
};

/** Adds the options that `streamRequest` understands. */
export function addStreamOptions(command: Command, since: string): Command {
  return command
    .option('--since <when>', `Where to begin: ${SINCE_FORMS} (default: ${since})`)
    .addOption(new Option('--from <when>').hideHelp())
    .option('--until <end>', `Where to end: ${UNTIL_FORMS}`)
    .option('--follow', 'Wait for what comes next (the default)')
    .option('--no-follow', 'End when everything that is there now has come')
    .option('--types <types>', 'Only messages of these types, separated by commas, such as ocr.v1m0.TextLine')
    .option('--transactions <ids>', 'Only messages of these transactions, separated by commas')
    .option('--labels <labels>', 'Only messages with one of these labels, separated by commas')
    .option('--min-confidence <number>', 'Only messages of at least this confidence, 0 to 1')
    .option('--filter <expression>', 'Only messages for which this CEL expression holds (docs/firehose.md)')
    .option('--rate <rate>', `Not faster than this: ${RATE_FORMS}`)
    .option('--on-gap <what>', 'Where messages have been retired unread: fail, or continue with the earliest', 'fail');
}

/**
 * @param now milliseconds since the epoch, from which durations count back
 * @throws {UsageError} naming the option and what it takes
 */
export function streamRequest(flags: StreamFlags & { readonly from?: string }, now: number): FirehoseOptions {
  const since = flags.since ?? flags.from;
  if (since !== undefined && flags.consumer !== undefined)
    throw new UsageError('--consumer begins at its checkpoint: leave out --since');
  const from = flags.consumer === undefined ? since && parseSince(since, now) : { consumer: flags.consumer };
  const filter = filterOf(flags);
  return {
    ...(from && { from }),
    ...(flags.until !== undefined && { until: parseUntil(flags.until) }),
    ...(flags.follow === false && { follow: false }),
    ...(filter && { filter }),
    ...(flags.rate !== undefined && { max_rate: parseRate(flags.rate) }),
    gap: oneOf('--on-gap', flags.onGap ?? 'fail', ['fail', 'continue']),
  };
}

function filterOf({ types, transactions, labels, minConfidence, filter }: StreamFlags): FirehoseFilter | undefined {
  const parts: FirehoseFilter = {
    ...(types !== undefined && { types: list('--types', types) }),
    ...(transactions !== undefined && { transactions: list('--transactions', transactions) }),
    ...(labels !== undefined && { labels: list('--labels', labels) }),
    ...(minConfidence !== undefined && { min_confidence: confidence(minConfidence) }),
    ...(filter !== undefined && { expression: filter }),
  };
  return Object.keys(parts).length === 0 ? undefined : parts;
}

function parseSince(text: string, now: number): FirehoseFrom {
  if (text === 'earliest' || text === 'latest') return text;
  const duration = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text);
  if (duration !== null) return time(now - Number(duration[1]) * UNIT_MS[duration[2]!]!);
  return parsePosition(text) ?? parseTime(text) ?? wrong('--since', SINCE_FORMS, text);
}

function parseUntil(text: string): NonNullable<FirehoseOptions['until']> {
  return parsePosition(text) ?? parseTime(text) ?? wrong('--until', UNTIL_FORMS, text);
}

function parsePosition(text: string): { epoch?: string; offset: number } | undefined {
  const match = /^(?:([0-9a-z]+):)?(-1|\d{1,15})$/.exec(text);
  if (match === null) return undefined;
  const [, epoch, offset] = match;
  return epoch === undefined ? { offset: Number(offset) } : { epoch, offset: Number(offset) };
}

/** ISO 8601; without a zone in that of this machine, as people write it. */
function parseTime(text: string): { time: string } | undefined {
  return /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text)) ? time(Date.parse(text)) : undefined;
}

function time(ms: number): { time: string } {
  return { time: new Date(Math.max(0, ms)).toISOString() };
}

function parseRate(text: string): NonNullable<FirehoseOptions['max_rate']> {
  const rate: { messages?: number; bytes?: number } = {};
  for (const part of text.split(',')) {
    const match = /^(\d+(?:\.\d+)?)(B|kB|KiB|MB|MiB|GB|GiB)?(?:\/s)?$/.exec(part.trim());
    const value = Number(match?.[1]) * (UNIT_BYTES[match?.[2] ?? 'B'] ?? 1);
    const kind = match?.[2] === undefined ? 'messages' : 'bytes';
    if (!(value > 0) || rate[kind] !== undefined) return wrong('--rate', RATE_FORMS, text);
    rate[kind] = value;
  }
  return rate;
}

function list(option: string, text: string): string[] {
  const values = text.split(',').map((value) => value.trim());
  if (values.includes('')) return wrong(option, 'values separated by commas', text);
  return values;
}

function confidence(text: string): number {
  const value = Number(text);
  return text !== '' && value >= 0 && value <= 1 ? value : wrong('--min-confidence', 'a number from 0 to 1', text);
}

/** @throws {UsageError} */
export function positive(option: string, text: string): number {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : wrong(option, 'a whole number above 0', text);
}

/** @throws {UsageError} */
export function oneOf<T extends string>(option: string, value: string, choices: readonly T[]): T {
  return choices.find((choice) => choice === value) ?? wrong(option, choices.join(', '), value);
}

function wrong(option: string, accepted: string, given: string): never {
  throw new UsageError(`${option} takes ${accepted}; not '${given}'`);
}
