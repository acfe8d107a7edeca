/**
 * All named consumers, folded from the records of consumers-1 in order. Pure: every node that reads the same records
 * comes to the same table, and so to the same verdict about who owns a consumer.
 */
import { Consumer } from '../../protocol/generated/consumer/v1m0/consumer_pb.js';

/** What a record did. `fenced`: connections of an older generation have lost the consumer. */
export type TableChange =
  | { readonly kind: 'updated' | 'fenced'; readonly consumer: Consumer }
  | { readonly kind: 'removed'; readonly client: string; readonly name: string }
  /** It came from a connection that had lost the consumer before: it changes nothing. */
  | { readonly kind: 'ignored' };

export function consumerKey(client: string, name: string): string {
  return `${client}/${name}`;
}

export class ConsumerTable {
  readonly #byClient = new Map<string, Map<string, Consumer>>();

  get(client: string, name: string): Consumer | undefined {
    return this.#byClient.get(client)?.get(name);
  }

  /** By name. */
  list(client: string): Consumer[] {
    return [...(this.#byClient.get(client)?.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  count(client: string): number {
    return this.#byClient.get(client)?.size ?? 0;
  }

  /** @param value null deletes @throws what is thrown by a value that is no Consumer */
  apply(key: string, value: Uint8Array | null): TableChange {
    if (value === null) return this.#remove(key);
    const consumer = Consumer.fromBinary(value);
    const { client, name, generation, owner } = consumer;
    const known = this.get(client, name);
    const stale =
      known !== undefined &&
      (generation < known.generation || (generation === known.generation && owner !== known.owner));
    if (stale) return { kind: 'ignored' };
    let consumers = this.#byClient.get(client);
    if (consumers === undefined) {
      consumers = new Map();
      this.#byClient.set(client, consumers);
    }
    consumers.set(name, consumer);
    return { kind: known !== undefined && generation > known.generation ? 'fenced' : 'updated', consumer };
  }

  #remove(key: string): TableChange {
    // Client ids and consumer names hold no slash.
    const [client = '', name = ''] = key.split('/');
    const consumers = this.#byClient.get(client);
    if (consumers === undefined || !consumers.delete(name)) return { kind: 'ignored' };
    if (consumers.size === 0) this.#byClient.delete(client);
    return { kind: 'removed', client, name };
  }
}
