/** Settings of the summary role. */
import { type Static, Type } from 'typebox';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export const SummaryConfig = Type.Object(
  {
    deadlineMs: Type.Integer({
      default: 10 * MINUTE,
      minimum: 0,
      description:
        'Time after its last image at which a transaction without a deadline of its own is summed up with what there is; 0: never',
    }),
    graceMs: Type.Integer({
      default: 2_000,
      minimum: 0,
      description: 'How far behind the clock a deadline is judged while nothing happens, for events still on their way',
    }),
    revisionIntervalMs: Type.Integer({
      default: 1_000,
      minimum: 0,
      description: 'Time between two summaries of a transaction, at least; what comes meanwhile is in the next',
    }),
    retentionMs: Type.Integer({
      default: 7 * DAY,
      minimum: 1,
      description: 'How long after its last event a transaction is remembered; what comes later starts afresh',
    }),
    usageRetentionDays: Type.Integer({ default: 400, minimum: 1, description: 'Days of usage kept per client' }),
    storeOutageMs: Type.Integer({
      default: MINUTE,
      minimum: 0,
      description: 'How long summaries go on while their position cannot be stored; then consumption waits',
    }),
    restarts: Type.Integer({
      default: 5,
      minimum: 0,
      description: 'Restarts within ten minutes after which the role gives up',
    }),
  },
  { default: {}, additionalProperties: false, description: 'The service that combines the results of a transaction' },
);
export type SummaryConfig = Static<typeof SummaryConfig>;
