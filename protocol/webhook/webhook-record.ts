/**
 * Where a client's webhook stands on clients-1: under the key `webhook/<client>`, apart from the client's own record, which is its
 * operator's to write, so that neither overwrites the other. null withdraws it.
 */
import { Webhook } from '../generated/push/v1m0/push_pb.js';
import type { Log, LogRecord, ProduceRecord, Subscription } from '../log/log.ts';
import { CLIENTS_TOPIC } from '../log/topics.ts';

/** Before the client's id, which holds no '/'. */
export const WEBHOOK_KEY = 'webhook/';

export interface WebhookChange {
  readonly client: string;
  /** undefined: withdrawn. */
  readonly webhook: Webhook | undefined;
  /** Of its record. */
  readonly offset: number;
  /** When the log took it, ms since the epoch. */
  readonly time: number;
}

export function webhookRecord(client: string, webhook: Webhook | undefined): ProduceRecord {
  return { key: WEBHOOK_KEY + client, value: webhook === undefined ? null : Webhook.toBinary(webhook) };
}

/**
 * Tells every change, from the earliest that the topic holds. Resolves once everything that it held at the call has been told.
 *
 * @param onError told of faults of the log that are being retried, and of records that do not decode: those are left out
 */
export async function followWebhookRecords(
  log: Log,
  onChange: (change: WebhookChange) => void,
  onError: (error: unknown) => void,
): Promise<Subscription> {
  const watermarks = await log.watermarks(CLIENTS_TOPIC);
  const missing = new Map(watermarks.filter((it) => it.earliest < it.end).map((it) => [it.partition, it.end]));
  const caughtUp = Promise.withResolvers<void>();
  const subscription = await log.follow({
    topic: CLIENTS_TOPIC,
    from: new Map(watermarks.map(({ partition, earliest }) => [partition, earliest])),
    onBatch: async ({ partition, records, end }) => {
      for (const record of records) tell(record, onChange, onError);
      const next = records.at(-1)!.offset + 1;
      // What compaction took away at the end never comes: then the batch reaches the head all the same.
      if (next >= (missing.get(partition) ?? 0) || next >= end) missing.delete(partition);
      if (missing.size === 0) caughtUp.resolve();
    },
    onError,
  });
  if (missing.size === 0) caughtUp.resolve();
  await Promise.race([caughtUp.promise, subscription.ended]);
  return subscription;
}

function tell(record: LogRecord, onChange: (change: WebhookChange) => void, onError: (error: unknown) => void): void {
  const { key, value, offset, timestamp: time } = record;
  if (!key.startsWith(WEBHOOK_KEY)) return;
  const client = key.slice(WEBHOOK_KEY.length);
  try {
    const webhook = value === null ? undefined : Webhook.fromBinary(value);
    onChange({ client, webhook, offset, time });
  } catch (error) {
    // One client's damaged record keeps nobody else from pushing.
    onError(error);
  }
}
