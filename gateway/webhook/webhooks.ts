/**
 * The webhooks of all clients, in memory: what the routes show and change. (What `push-1` says in tokens the authorisation
 * service takes from the same records.)
 */
import type { Webhook } from '../../protocol/generated/push/v1m0/push_pb.js';
import type { Log } from '../../protocol/log/log.ts';
import { CLIENTS_TOPIC } from '../../protocol/log/topics.ts';
import { followWebhookRecords, webhookRecord } from '../../protocol/webhook/webhook-record.ts';

interface Held {
  /** undefined once it was withdrawn. */
  readonly webhook: Webhook | undefined;
  /** Of its record: an older one never replaces a newer. */
  readonly offset: number;
}

export class Webhooks {
  readonly #log: Log;
  readonly #held = new Map<string, Held>();

  constructor(log: Log) {
    this.#log = log;
  }

  get(client: string): Webhook | undefined {
    return this.#held.get(client)?.webhook;
  }

  /** Resolves when the log has acknowledged it. @param webhook undefined to withdraw it @throws {LogUnavailableError} */
  async set(client: string, webhook: Webhook | undefined): Promise<void> {
    const [produced] = await this.#log.produce(CLIENTS_TOPIC, [webhookRecord(client, webhook)]);
    this.#hold(client, { webhook, offset: produced!.offset });
  }

  /** Follows the log, resolving once everything that it held at the call is known. @returns how to stop */
  async follow(onError: (error: unknown) => void): Promise<() => Promise<void>> {
    const subscription = await followWebhookRecords(this.#log, (change) => this.#hold(change.client, change), onError);
    return () => subscription.close();
  }

  #hold(client: string, { webhook, offset }: Held): void {
    const known = this.#held.get(client);
    if (known === undefined || known.offset < offset) this.#held.set(client, { webhook, offset });
  }
}
