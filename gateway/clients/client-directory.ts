/**
 * Looks clients up in the identity store, keeps the store up to date from clients-1, and brings it back when it fails.
 *
 * Clients that were asked for lately are also remembered in memory as they were last seen: that is what is left to go by
 * while the store is away.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isClientId } from '../../protocol/claims/client-id.ts';
import type { Log, Subscription } from '../../protocol/log/log.ts';
import { CLIENTS_TOPIC } from '../../protocol/log/topics.ts';
import { ClientStore } from './client-store.ts';
import type { RegisteredClient } from './registered-client.ts';

const REMEMBERED = 10_000;
const REOPEN_PAUSE_MS = 1_000;

/** The identity store cannot be asked now. */
export class IdentityStoreError extends Error {
  override readonly name = 'IdentityStoreError';
}

interface OpenStore {
  readonly store: ClientStore;
  readonly subscription: Subscription;
}

export interface ClientDirectoryOptions {
  /** How long to wait before trying to open the store again. Default 1,000 ms. */
  readonly reopenPauseMs?: number;
}

export class ClientDirectory {
  readonly #log: Log;
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #reopenPauseMs: number;
  readonly #lastSeen = new Map<string, RegisteredClient>();
  readonly #closing = new AbortController();
  #open: OpenStore | undefined;
  #reopening: Promise<void> | undefined;
  /** The store failed while it was in use: what it holds may be wrong as well. */
  #distrusted = false;
  #failure = 'not opened yet';

  private constructor(log: Log, folder: string, logger: Logger, options: ClientDirectoryOptions) {
    this.#log = log;
    this.#folder = folder;
    this.#logger = logger;
    this.#reopenPauseMs = options.reopenPauseMs ?? REOPEN_PAUSE_MS;
  }

  /** Resolves once the store is open, or has failed to: then it is tried again until it is. */
  static async open(
    log: Log,
    folder: string,
    logger: Logger,
    options: ClientDirectoryOptions = {},
  ): Promise<ClientDirectory> {
    const directory = new ClientDirectory(log, folder, logger, options);
    try {
      await directory.#openStore();
    } catch (error) {
      directory.#failed(error);
    }
    return directory;
  }

  get isUp(): boolean {
    return this.#open !== undefined;
  }

  /** For people: what is wrong while `isUp` is false. */
  get failure(): string {
    return this.#failure;
  }

  /** @throws {IdentityStoreError} */
  get(clientId: string): RegisteredClient | undefined {
    const found = this.#use((store) => store.get(clientId));
    if (found === undefined) this.#lastSeen.delete(clientId);
    else this.#remember(clientId, found);
    return found;
  }

  /** As it was last seen, for while the store is away. */
  lastSeen(clientId: string): RegisteredClient | undefined {
    return this.#lastSeen.get(clientId);
  }

  /** @throws {IdentityStoreError} */
  expiredRevocations(now: number): string[] {
    return this.#use((store) => store.expiredRevocations(now));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#reopening;
    await this.#closeStore();
  }

  #use<T>(ask: (store: ClientStore) => T): T {
    if (this.#open === undefined) throw new IdentityStoreError(this.#failure);
    try {
      return ask(this.#open.store);
    } catch (cause) {
      this.#failed(cause);
      throw new IdentityStoreError('the identity store does not answer', { cause });
    }
  }

  #remember(clientId: string, client: RegisteredClient): void {
    this.#lastSeen.delete(clientId);
    this.#lastSeen.set(clientId, client);
    if (this.#lastSeen.size > REMEMBERED) this.#lastSeen.delete(this.#lastSeen.keys().next().value as string);
  }

  async #openStore(): Promise<void> {
    const { epoch } = await this.#log.describeTopic(CLIENTS_TOPIC);
    const store = ClientStore.open(this.#folder, epoch, this.#distrusted);
    try {
      const positions = store.positions();
      const watermarks = await this.#log.watermarks(CLIENTS_TOPIC);
      const subscription = await this.#log.follow({
        topic: CLIENTS_TOPIC,
        from: new Map(watermarks.map(({ partition, earliest }) => [partition, positions.get(partition) ?? earliest])),
        onBatch: async ({ partition, records }) => {
          try {
            store.apply(partition, records);
            this.#refresh(
              store,
              records.map(({ key }) => key),
            );
          } catch (error) {
            // This store takes no more: the next one goes on from the position that it has.
            this.#failed(error);
            throw error;
          }
        },
        onError: (error) => this.#logger.warn({ err: error }, 'following clients is being retried'),
      });
      subscription.ended.catch((error: unknown) => this.#failed(error));
      this.#open = { store, subscription };
      this.#distrusted = false;
    } catch (error) {
      store.close();
      throw error;
    }
  }

  /** A client that is remembered must not be remembered as it was before: the store may go away at any moment. */
  #refresh(store: ClientStore, keys: readonly string[]): void {
    for (const key of keys) {
      const clientId = isClientId(key) ? key : key.slice(key.indexOf('/') + 1);
      if (!this.#lastSeen.has(clientId)) continue;
      const latest = store.get(clientId);
      if (latest === undefined) this.#lastSeen.delete(clientId);
      else this.#lastSeen.set(clientId, latest);
    }
  }

  #failed(error: unknown): void {
    this.#failure = error instanceof Error ? error.message : String(error);
    if (this.#reopening !== undefined || this.#closing.signal.aborted) return;
    this.#logger.error({ err: error }, 'the identity store is away');
    this.#distrusted = this.#open !== undefined;
    this.#reopening = this.#reopen().finally(() => {
      this.#reopening = undefined;
    });
  }

  async #reopen(): Promise<void> {
    const { signal } = this.#closing;
    await this.#closeStore();
    while (!signal.aborted) {
      try {
        await sleep(this.#reopenPauseMs, undefined, { signal });
        await this.#openStore();
        this.#logger.info('the identity store is back');
        return;
      } catch (error) {
        if (!signal.aborted) this.#failure = error instanceof Error ? error.message : String(error);
      }
    }
  }

  async #closeStore(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    // Closing waits for a pending batch; the batch may be what failed, and is being retried with nothing to write to.
    await open?.subscription.close();
    open?.store.close();
  }
}
