/** What one client may ask of the gateway: as its operator registered it, else as the deployment has it for all. */
import { type ClientDirectory, IdentityStoreError } from '../clients/client-directory.ts';
import type { RegisteredClient } from '../clients/registered-client.ts';

export class ClientLimits {
  readonly #directory: Pick<ClientDirectory, 'get' | 'lastSeen'>;
  readonly #defaultPerSecond: number;

  constructor(directory: Pick<ClientDirectory, 'get' | 'lastSeen'>, defaultPerSecond: number) {
    this.#directory = directory;
    this.#defaultPerSecond = defaultPerSecond;
  }

  requestsPerSecond(client: string): number {
    return this.#find(client)?.client.limits?.requestsPerSecond || this.#defaultPerSecond;
  }

  /** 0: the deployment's default. */
  requestsInFlight(client: string): number {
    return this.#find(client)?.client.limits?.requestsInFlight ?? 0;
  }

  /** While the store is away the client's limits are those that it had last, or the default: nobody is turned away for it. */
  #find(client: string): RegisteredClient | undefined {
    try {
      return this.#directory.get(client);
    } catch (error) {
      if (error instanceof IdentityStoreError) return this.#directory.lastSeen(client);
      throw error;
    }
  }
}
