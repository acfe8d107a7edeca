/** What the identity role tells Prometheus. */
import { Counter, Gauge, type Registry } from 'prom-client';

export interface IdentityMetrics {
  /** @param degraded issued while the identity store was away */
  authorised(degraded: boolean): void;
  authenticated(): void;
  /** @param error code of RFC 6749 */
  refused(error: string): void;
}

export function identityMetrics(registry: Registry, isStoreUp: () => boolean): IdentityMetrics {
  const registers = [registry];
  const tokens = new Counter({
    name: 'sluice_identity_tokens_total',
    help: 'Tokens issued; degraded ones without the identity store',
    labelNames: ['kind', 'degraded'],
    registers,
  });
  const refusals = new Counter({
    name: 'sluice_identity_refused_total',
    help: 'Requests for tokens that were refused, by OAuth error',
    labelNames: ['error'],
    registers,
  });
  new Gauge({
    name: 'sluice_identity_store_up',
    help: '1 while the identity store answers, 0 while tokens are issued without it',
    registers,
    collect() {
      this.set(isStoreUp() ? 1 : 0);
    },
  });
  return {
    authorised: (degraded) => tokens.inc({ kind: 'authorisation', degraded: String(degraded) }),
    authenticated: () => tokens.inc({ kind: 'authentication', degraded: 'false' }),
    refused: (error) => refusals.inc({ error }),
  };
}
