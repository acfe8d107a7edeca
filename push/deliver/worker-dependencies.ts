/** What the worker of an endpoint needs around it. */
import type { Logger } from 'pino';
import type { Endpoint } from '../endpoint.ts';
import type { PushMetrics } from '../metrics.ts';
import type { DeliveryStore } from '../store/delivery-store.ts';
import type { Notice } from './notices.ts';
import type { ReadFrames } from './read-frames.ts';
import type { Sender } from './sender.ts';
import type { SharedRoom } from './shared-room.ts';

export interface WorkerDependencies {
  readonly epoch: string;
  readonly read: ReadFrames;
  readonly store: DeliveryStore;
  readonly openSender: (url: string) => Sender;
  readonly room: SharedRoom;
  readonly notify: (endpoint: Endpoint, notice: Notice) => void;
  /** So many messages are finished: it may be time to store how far everybody has got. */
  readonly finished: (messages: number) => void;
  readonly metrics: PushMetrics;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}
