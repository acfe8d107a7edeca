/** What a book keeps, gives and carries on, one case each. */
import { expect, test } from 'vitest';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { TransactionOpened } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { TransactionSummary } from '../../protocol/generated/summary/v1m0/summary_pb.js';
import { factOf, START } from './testing/arbitrary-facts.ts';
import { accepted, completed, elsewhere, inWorld, line, statuses } from './testing/simulated-world.ts';

test('a restart keeps the clock and the position, and records that come again are passed over', () =>
  inWorld((world) => {
    world.append(accepted(0, 0), elsewhere(2500));
    world.workOff();
    world.crash();
    expect(world.book.streamTime).toBe(START + 2500);
    expect(world.book.position).toBe(2);
    world.book.take(0, world.log[0]);
    expect(world.book.position).toBe(2);
    expect(world.book.hasChanges).toBe(false);
  }));

test('an announced deadline counts, and a transaction without an image is summed up at it', () =>
  inWorld((world) => {
    const deadline = Timestamp.fromDate(new Date(START + 700));
    world.append(factOf(TransactionOpened, { expectedImages: 3, deadline }, { at: 0 }));
    world.workOff();
    world.tick(699);
    expect(statuses(world)).toEqual([]);
    world.tick(700);
    expect(statuses(world)).toEqual([[1, 'PARTIAL']]);
    expect(world.log.at(-1)!.event.eventTime).toBe(START + 700);
  }));

test('summaries of a transaction keep their distance, and the last one has everything', () =>
  inWorld((world) => {
    for (let n = 0; n < 20; n++) {
      world.append(accepted(n, n * 100), completed(n, n * 100 + 50));
      world.workOff();
    }
    world.tick(10_000);
    // Twenty images in two seconds, half a second between two summaries.
    expect(world.summaries().length).toBeLessThanOrEqual(6);
    expect(world.summaries().at(-1)!.images).toHaveLength(20);
  }));

test('a summary too large for a message is cut down and says by how much', () =>
  inWorld(
    (world) => {
      for (let n = 0; n < 200; n++) world.append(accepted(n, 0), line(n, 0), completed(n, 0, 1));
      world.workOff();
      const [summary] = world.summaries();
      expect(TransactionSummary.toBinary(summary!).byteLength).toBeLessThanOrEqual(4096);
      expect(summary!.images.length + summary!.omitted!.images).toBe(200);
      expect(summary!.text.length + summary!.omitted!.text).toBe(200);
      expect(summary!.services).toMatchObject([{ service: 'ocr', completed: 200, results: 200 }]);
    },
    { maxSummaryBytes: 4096 },
  ));

test('the token that travels on is that of the latest submission that grants the summary', () =>
  inWorld((world) => {
    const first = accepted(0, 0);
    const second = accepted(1, 10);
    const ungranted = { ...accepted(2, 20), granted: false };
    world.append(second, first, ungranted, ...[0, 1, 2].map((n) => completed(n, 30)));
    world.workOff();
    expect(world.log.at(-1)!.event).toMatchObject({ token: second.event.token, client: 'alice', correlationId: 't' });
    // And after a restart, when it comes from the store.
    world.crash();
    world.append(line(0, 2000));
    world.workOff();
    expect(world.log.at(-1)!.event).toMatchObject({ token: second.event.token });
    expect(statuses(world).at(-1)).toEqual([2, 'COMPLETE']);
  }));
