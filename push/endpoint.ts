/** An endpoint: one URL of one client, with what the client's newest token says about it. */
import { createHash } from 'node:crypto';
import type { PushGrant } from '../protocol/webhook/grant.ts';

export interface Endpoint {
  /** Names the endpoint in the journal and all stores. */
  readonly key: string;
  readonly partition: number;
  readonly client: string;
  readonly grant: PushGrant;
  /** The token that said so, to travel on in notices. */
  readonly token: string;
  /** When that token was issued, ms: a later one replaces it. */
  readonly issuedAt: number;
}

export function endpointKey(client: string, url: string): string {
  return createHash('sha256')
    .update(JSON.stringify([client, url]))
    .digest('hex')
    .slice(0, 32);
}
