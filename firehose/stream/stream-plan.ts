/** What was granted to a stream when it was opened. Nothing of it changes while the stream is open but the pace and the filter. */
import type { Rate, Until } from '../request/stream-request.ts';
import type { Expiry } from './expiry.ts';

export interface StreamPlan {
  readonly client: string;
  readonly epoch: string;
  /** The stream holds what comes after this offset. */
  readonly after: number;
  /** Where it ends of itself. Of a stream that does not follow, the offset that was the last one wanted when it was opened. */
  readonly until: Until | undefined;
  readonly follow: boolean;
  readonly rate: Rate;
  /** Most messages in one write, longest wait for more of them at the tail. */
  readonly batch: { readonly messages: number | undefined; readonly waitMs: number };
  readonly heartbeatMs: number;
  readonly onGap: 'fail' | 'earliest';
  readonly expiry: Expiry;
  /** The named consumer whose connection this is. */
  readonly consumer: string | undefined;
}
