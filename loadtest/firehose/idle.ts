/** What a connection costs that has nothing to read: resident memory and processor time of the server. */
import { needFiles } from '../file-limit.ts';
import type { BenchContext, OpenVariant } from '../suite.ts';
import { openMany } from './open-many.ts';
import type { Publisher } from './publisher.ts';

/** Open before anything is measured: what the first ones alone bring is no cost of a connection. */
const FIRST = 100;
const SETTLE_MS = 3_000;
/** Of this process beside the connections. */
const OTHER_FILES = 1_000;

export async function idle(
  { folder, scale }: BenchContext,
  wanted: number,
  start: (context: { folder: string }) => Promise<Publisher>,
): Promise<OpenVariant> {
  needFiles(wanted + OTHER_FILES);
  const publisher = await start({ folder });
  const ignore = () => () => {};
  const first = await openMany(FIRST, publisher, ignore);
  // Once: what an earlier round has taken and given back may still be resident.
  const before = await publisher.rssBytes();
  return {
    async measure() {
      const opened = await openMany(Math.max(1, Math.round(wanted * scale) - FIRST), publisher, ignore);
      const cpuBefore = await publisher.cpuSeconds();
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const cpuSeconds = (await publisher.cpuSeconds()) - cpuBefore;
      const each = ((await publisher.rssBytes()) - before) / opened.length / 1024;
      for (const socket of opened) socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return { value: each, also: { cpu_percent_of_a_core: (cpuSeconds / SETTLE_MS) * 1e5 } };
    },
    async close() {
      for (const socket of first) socket.destroy();
      await publisher.stop();
    },
  };
}
