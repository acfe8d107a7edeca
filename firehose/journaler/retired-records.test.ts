/** What the journaler does when the log has retired records that it never got: on a scripted log, since a real one takes its time. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { JournalBehindError } from '../../journal/errors.ts';
import { openJournalReader } from '../../journal/reader.ts';
import { temporaryFolder } from '../../journal/testing/temporary-folder.ts';
import { packEvent } from '../../protocol/envelope.ts';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { FollowOptions, Log, LogRecord } from '../../protocol/log/log.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import { startJournaler } from './journaler.ts';
import type { FromJournaler, JournalerOptions } from './messages.ts';

const OPTIONS: Omit<JournalerOptions, 'log' | 'folder'> = {
  telemetry: undefined,
  retentionMs: undefined,
  retentionBytes: undefined,
  volumeSpanMs: 3_600_000,
  check: false,
  partitions: 'all',
  assignment: { index: 0, count: 1, copies: 1 },
};

/** One partition; what `deliver` is given comes as a batch. */
class ScriptedLog {
  earliest = 0;
  end = 0;
  #options!: FollowOptions;

  async describeTopic() {
    return { epoch: 'e' };
  }
  async watermarks() {
    return [{ partition: 0, earliest: this.earliest, end: this.end }];
  }
  async follow(options: FollowOptions) {
    this.#options = options;
    return { ended: new Promise<void>(() => {}), close: async () => {} };
  }

  async deliver(...offsets: number[]): Promise<void> {
    const records = offsets.map(recordAt);
    this.end = offsets.at(-1)! + 1;
    const signal = new AbortController().signal;
    const batch = { topic: 'results-1', partition: 0, records, end: this.end, signal, finished() {} };
    await this.#options.onBatch(batch).catch((error) => this.#options.onError?.(error));
    await turn();
  }
}

function recordAt(offset: number): LogRecord {
  const about = { correlationId: 't', client: 'ann', token: 'of ann', traceparent: '' };
  const event = { messageId: newMessageId(offset), eventTime: offset, type: TextLine, message: TextLine.create({}) };
  const value = Buffer.from(packEvent(about, event));
  return { topic: 'results-1', partition: 0, offset, timestamp: offset, key: 'ann', value, headers: {} };
}

test('offsets that the log never had are passed over; ones that it has retired end the journaler, which then begins anew', async () => {
  using folder = temporaryFolder();
  const log = new ScriptedLog();
  const told: FromJournaler[] = [];
  const start = () =>
    startJournaler(
      { log: log as unknown as Log, clientOfToken: () => 'ann', tell: (news) => told.push(news), now: () => 0 },
      { ...OPTIONS, folder: folder.path },
    );
  const bounds = () => {
    const reader = openJournalReader(`${folder.path}/0`);
    const { earliest, position } = reader.bounds();
    reader.close();
    return { earliest, position };
  };

  const first = await start();
  const ended = first.ended.catch((error: unknown) => error);
  await log.deliver(0, 1, 2);
  await log.deliver(5, 6);
  expect(bounds()).toEqual({ earliest: 0, position: 7 });
  log.earliest = 40;
  await log.deliver(41, 42);
  expect(await ended).toBeInstanceOf(JournalBehindError);
  expect(bounds()).toEqual({ earliest: 0, position: 7 });
  await first.stop();

  told.splice(0);
  const second = await start();
  await log.deliver(41, 42);
  expect(bounds()).toEqual({ earliest: 40, position: 43 });
  expect(told.map(({ kind }) => kind)).toEqual(['moved-aside', 'incomplete', 'following', 'appended']);
  await second.stop();
});
