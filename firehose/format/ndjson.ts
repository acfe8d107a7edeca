/** NDJSON, the default: what lies in the journal is sent as it lies there. */
import type { Format } from './format.ts';

export const ndjson: Format = {
  mediaType: 'application/x-ndjson',
  messages: (frames) => frames,
  control: (frame) => Buffer.from(`${JSON.stringify(frame)}\n`),
};
