/** Settings of the firehose role. */
import { type Static, Type } from 'typebox';
import { ASIDE_SETTINGS } from '../journal/aside-settings.ts';
import { PARTITIONS_SYNTAX } from './nodes/held-partitions.ts';

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
        ...ASIDE_SETTINGS,
      },
      { default: {}, additionalProperties: false, description: 'The journals of results-1' },
    ),
    partitions: Type.String({
      default: 'all',
      pattern: PARTITIONS_SYNTAX,
      description:
        "Partitions of results-1 that this node journals: all, none, a list such as 0-3,7, or 'assigned' by node.index",
    }),
    node: Type.Object(
      {
        id: Type.String({
          default: '',
          pattern: '^[A-Za-z0-9._-]{0,64}$',
          description: 'What this node is called among the firehose nodes; empty: a hash of its host and data folder',
        }),
        advertisedUrl: Type.String({
          default: '',
          pattern: '^(https?://[^?#]*[^/?#])?$',
          description: 'Base URL at which clients and the other nodes reach this node; empty: nobody is sent to it',
        }),
        index: Type.Integer({
          default: 0,
          minimum: 0,
          description: 'With partitions=assigned: which of the nodes this is, from 0',
        }),
        count: Type.Integer({
          default: 1,
          minimum: 1,
          description: 'With partitions=assigned: how many nodes there are',
        }),
        copies: Type.Integer({
          default: 1,
          minimum: 1,
          description: 'With partitions=assigned: on how many nodes each partition lies',
        }),
        elsewhere: Type.Enum(['redirect', 'forward'], {
          default: 'redirect',
          description:
            'What happens to a request that another node has the journal for: 307 to that node, or it is passed on and its answer back',
        }),
        announceMs: Type.Integer({
          default: 2_000,
          minimum: 100,
          description: 'How often this node tells the others how its partitions are',
        }),
        expireMs: Type.Integer({
          default: 7_000,
          minimum: 300,
          description: 'How long the others believe it without hearing from it again; some announcements long',
        }),
        maxDelayMs: Type.Integer({
          default: 30_000,
          minimum: 100,
          description:
            'A journal that is further behind the log than this is not caught up: requests go elsewhere, or are answered 503',
        }),
      },
      { default: {}, additionalProperties: false, description: 'This node among several firehose nodes' },
    ),
    heartbeatMs: Type.Integer({
      default: 15_000,
      minimum: 100,
      description: 'How often a stream says where it stands, unless the request says otherwise',
    }),
    maxStreams: Type.Integer({
      default: 20_000,
      minimum: 1,
      description: 'Open streams of this node; further ones are answered 503',
    }),
    maxStreamsPerClient: Type.Integer({
      default: 32,
      minimum: 1,
      description: 'Open streams of one client on this node, unless its grant says otherwise',
    }),
    overLimit: Type.Enum(['refuse-newest', 'close-oldest'], {
      default: 'refuse-newest',
      description: 'What happens when a client opens one stream too many: 429, or a goodbye to its oldest one',
    }),
    maxConsumersPerClient: Type.Integer({
      default: 100,
      minimum: 1,
      description: 'Named consumers that one client may have',
    }),
    maxMessagesPerSecond: Type.Number({
      default: 0,
      minimum: 0,
      description: 'Most messages per second on a stream, unless its grant says otherwise; 0 for no limit',
    }),
    maxBytesPerSecond: Type.Number({
      default: 0,
      minimum: 0,
      description: 'Most bytes of messages per second on a stream, unless its grant says otherwise; 0 for no limit',
    }),
    requestTimeoutMs: Type.Integer({
      default: 10_000,
      minimum: 100,
      description: 'How long a request for a stream may take to arrive',
    }),
    untilSettleMs: Type.Integer({
      default: 500,
      minimum: 0,
      description:
        'A stream that ends at a time ends so long after it at the latest: a message made before that time may be as long on its way to the log',
    }),
    longPollMs: Type.Integer({
      default: 20_000,
      minimum: 100,
      description: 'How long a long-poll of the Durable Streams facade waits',
    }),
    compression: Type.Boolean({
      default: true,
      description: 'Compress streams whose client accepts it; each costs memory of its own',
    }),
    stuckMs: Type.Integer({
      default: 60_000,
      minimum: 100,
      description:
        "A reader that has taken no byte for so long, though bytes wait for it, is disconnected. The kernel's send buffer, a few MiB, hides up to a third of itself",
    }),
    streamLifetimeMs: Type.Integer({
      default: 0,
      minimum: 0,
      description:
        'Streams that follow are asked to come back after about so long (0.75 to 1.25 times), so that readers spread over the nodes again after one was away; 0: only when their token ends',
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
