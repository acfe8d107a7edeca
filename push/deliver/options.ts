/** What of the config decides how messages are delivered. */
import type { PushConfig } from '../config.ts';

export type DeliveryOptions = Pick<
  PushConfig,
  'retryScheduleMs' | 'concurrency' | 'batch' | 'breaker' | 'parkAfterMs' | 'disableAfterMs' | 'maxUnfinished'
>;
