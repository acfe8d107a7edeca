/** A client's record as the gateway works with it. */
import type { Grants } from '../../protocol/claims/grant.ts';
import { isGrantPattern } from '../../protocol/claims/grant.ts';
import type { Client } from '../../protocol/generated/client/v1m0/client_pb.js';
import type { Webhook } from '../../protocol/generated/push/v1m0/push_pb.js';
import { PUSH_GRANT, PUSH_SERVICE, pushGrant } from '../../protocol/webhook/grant.ts';

export interface RegisteredClient {
  readonly client: Client;
  /** What it opted into; undefined: no webhook. */
  readonly webhook: Webhook | undefined;
}

/** The grants as an operator gave them. Patterns that a later release may have written are left out. */
export function registeredGrants(client: Client): Grants {
  return Object.fromEntries(
    client.grants
      .filter(({ pattern }) => isGrantPattern(pattern))
      .map(({ pattern, configuration }) => [pattern, JSON.parse(configuration || '{}')]),
  );
}

/**
 * What the client's tokens may grant now: as registered, but `push-1` says what the client's webhook does. While the client has
 * none it says nothing: nothing is pushed, but the client may opt in. @param now ms since the epoch
 */
export function effectiveGrants({ client, webhook }: RegisteredClient, now: number): Grants {
  const registered = Object.entries(registeredGrants(client));
  const push = registered.some(([pattern]) => pattern.startsWith(`${PUSH_SERVICE}-`));
  const others = registered.filter(([pattern]) => !pattern.startsWith(`${PUSH_SERVICE}-`));
  if (!push) return Object.fromEntries(others);
  return Object.fromEntries([...others, [PUSH_GRANT, webhook === undefined ? {} : pushGrant(webhook, now)]]);
}
