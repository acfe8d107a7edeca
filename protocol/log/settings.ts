/** Which log to open, as plain data: it crosses to worker threads and child processes. */
import type { KafkaSettings } from './kafka/settings.ts';

export type LogSettings =
  | { readonly kind: 'embedded' /** Folder of the log's files. */; readonly folder: string }
  | { readonly kind: 'kafka'; readonly kafka: KafkaSettings };
