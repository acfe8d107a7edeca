/**
 * Where a client's webhook stands on clients-1: under the key `webhook/<client>`, apart from the client's own record, which is its
 * operator's to write, so that neither overwrites the other. null withdraws it.
 */
import { Webhook } from '../generated/push/v1m0/push_pb.js';
import { followTopic } from '../log/follow-topic.ts';
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
export function followWebhookRecords(
  log: Log,
  onChange: (change: WebhookChange) => void,
  onError: (error: unknown) => void,
): Promise<Subscription> {
  return followTopic(log, CLIENTS_TOPIC, (record) => tell(record, onChange, onError), onError);
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
