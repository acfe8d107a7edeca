/** Settings of the firehose role. */
import { type Static, Type } from 'typebox';

const HOUR = 3_600_000;
const MIB = 1 << 20;

export const FirehoseConfig = Type.Object(
  {
    journal: Type.Object(
      {
        retentionMs: Type.Integer({
          default: 7 * 24 * HOUR,
          minimum: 0,
          description: 'Journal volumes whose latest entry is older are removed; 0 keeps them for ever',
        }),
        retentionBytes: Type.Integer({
          default: 0,
          minimum: 0,
          description: 'Largest journal of a partition before its oldest volumes are removed; 0 for no limit',
        }),
        volumeSpanMs: Type.Integer({
          default: 24 * HOUR,
          minimum: 1,
          description: 'Time span of a volume: retention removes whole volumes',
        }),
        check: Type.Boolean({
          default: false,
          description: "Run SQLite's quick_check over each partition's newest volume at start (reads all of it)",
        }),
      },
      { default: {}, additionalProperties: false, description: 'The journals of results-1' },
    ),
    heartbeatMs: Type.Integer({
      default: 15_000,
      minimum: 100,
      description: 'How often a stream says where it stands, unless the request says otherwise',
    }),
    stuckMs: Type.Integer({
      default: 60_000,
      minimum: 100,
      description: 'A reader that has taken no byte for so long, though bytes wait for it, is disconnected',
    }),
    drainRetryMs: Type.Integer({
      default: 1_000,
      minimum: 0,
      description: 'Earliest moment at which a reader is asked to come back when this node drains',
    }),
    drainSpreadMs: Type.Integer({
      default: 10_000,
      minimum: 0,
      description: 'Readers of a draining node are asked to come back spread evenly over so long',
    }),
    chunkBytes: Type.Integer({
      default: MIB / 4,
      minimum: 1024,
      description: 'Bytes read from a journal at a time',
    }),
  },
  { default: {}, additionalProperties: false, description: 'The journaler and the long-lived responses' },
);
export type FirehoseConfig = Static<typeof FirehoseConfig>;
