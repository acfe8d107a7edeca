/** What it takes to give every stream its token, and the next one before that runs out. */
import type { Costs } from './costs.ts';
import type { Need } from './plan.ts';
import { readable } from './readable.ts';
import type { Shape, Workload } from './workload.ts';

/** One proof and one exchange a stream each time: a proof lives no longer than the token that it is exchanged for. */
export function identityNeeds(costs: Costs, workload: Workload, { utilisation }: Shape): Need[] {
  const tokens = workload.connections / workload.streamLifetimeSeconds;
  const cores = (proofMs: number) => (tokens * (proofMs + costs.exchangeMilliseconds.value)) / 1e3 / utilisation;
  const need = (resource: string, proofMs: number, because: string): Need => ({
    role: 'identity',
    resource,
    amount: cores(proofMs),
    unit: 'cores',
    because: `${readable(tokens)} tokens/s, ${because}`,
    isAssumed: false,
  });
  return [
    need('for clients with secrets', costs.secretMilliseconds.value, 'a slow hash each'),
    need('for clients with keys', costs.keyMilliseconds.value, 'a signature checked each'),
  ];
}
