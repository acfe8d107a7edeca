/** Turns what a request says of its beginning and end into offsets of the client's journal, or into the right problem. */
import type { JournalReader } from '../../journal/reader.ts';
import { Problem } from '../../protocol/http/problem.ts';
import type { From, StreamRequest, Until } from './stream-request.ts';

export interface StartPosition {
  /** The stream holds what comes after this offset. */
  readonly after: number;
  /** Set where it does not start where it was asked to. */
  readonly gap: { readonly asked: number; readonly earliest: number } | undefined;
}

export interface PositionContext {
  readonly client: string;
  readonly epoch: string;
  readonly journal: JournalReader;
  /** Offset that the next record of the client's partition in the log will get. */
  readonly logEnd: () => Promise<number>;
}

/** @throws {Problem} wrong-epoch (409), offset-retired (410), offset-ahead (416) */
export async function startPosition(
  { from, onGap }: Pick<StreamRequest, 'from' | 'onGap'>,
  context: PositionContext,
): Promise<StartPosition> {
  const asked = await askedOffset(from, context);
  const { client, journal, epoch } = context;
  const found = journal.read({ client, after: asked, maxBytes: 1 });
  if (found.kind !== 'retired') return { after: asked, gap: undefined };
  const { earliest } = found;
  if (onGap === 'earliest' || from.kind === 'earliest') {
    return { after: earliest - 1, gap: from.kind === 'earliest' ? undefined : { asked, earliest } };
  }
  throw new Problem(
    'offset-retired',
    `Messages past offset ${asked} have been retired; the earliest that is held is ${earliest}.`,
    { members: { epoch, asked, earliest, latest: journal.head(client) } },
  );
}

async function askedOffset(from: From, { client, epoch, journal, logEnd }: PositionContext): Promise<number> {
  switch (from.kind) {
    case 'earliest':
      return (journal.earliest(client) ?? journal.head(client) + 1) - 1;
    case 'latest':
      return journal.head(client);
    case 'time':
      return (journal.offsetAtTime(client, from.time) ?? journal.head(client) + 1) - 1;
    case 'consumer':
      throw new Error('named consumers are resolved before');
    case 'offset': {
      checkEpoch(from.epoch, epoch, journal.head(client));
      const latest = journal.head(client);
      if (from.offset <= latest) return from.offset;
      // Another node may have sent what this one has yet to journal; what no node can have sent is refused.
      const end = journal.bounds().position > from.offset ? 0 : await logEnd();
      if (from.offset < end) return from.offset;
      throw new Problem('offset-ahead', `Offset ${from.offset} lies past the latest message, which is ${latest}.`, {
        members: { epoch, asked: from.offset, latest },
      });
    }
  }
}

/** Where the stream ends; undefined for no end. @throws {Problem} wrong-epoch (409) */
export function plannedEnd(
  { until, follow }: Pick<StreamRequest, 'until' | 'follow'>,
  context: PositionContext,
): Until | undefined {
  if (!follow) return { kind: 'offset', epoch: context.epoch, offset: lastWantedNow(until, context) };
  if (until?.kind === 'offset') checkEpoch(until.epoch, context.epoch, context.journal.head(context.client));
  return until;
}

/** Offset of the last entry that is wanted of those that the journal holds now. @throws {Problem} wrong-epoch (409) */
export function lastWantedNow(until: Until | undefined, { client, epoch, journal }: PositionContext): number {
  // Asked first: what is appended meanwhile has not been compared with the time.
  const head = journal.head(client);
  switch (until?.kind) {
    case undefined:
      return head;
    case 'offset':
      checkEpoch(until.epoch, epoch, head);
      return Math.min(until.offset, head);
    case 'time':
      return (journal.offsetAtTime(client, until.time) ?? head + 1) - 1;
  }
}

function checkEpoch(asked: string | undefined, epoch: string, latest: number): void {
  if (asked === undefined || asked === epoch) return;
  throw new Problem('wrong-epoch', `The position is of epoch ${asked}; the log's epoch is ${epoch}.`, {
    members: { epoch, asked, latest },
  });
}
