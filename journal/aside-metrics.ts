/** What the journals that a role has moved aside tell Prometheus. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** @param role as its metrics are named @returns to be told how many are kept and how many were removed */
export function asideMetrics(registry: Registry, role: string): (kept: number, removed: number) => void {
  const registers = [registry];
  const aside = new Gauge({
    name: `sluice_${role}_journals_aside`,
    help: 'Journals that could not serve, were moved aside and are still there',
    registers,
  });
  const asideRemoved = new Counter({
    name: `sluice_${role}_journals_aside_removed_total`,
    help: 'Journals that had been moved aside and were removed, being too many or too old',
    registers,
  });
  return (kept, removed) => {
    aside.set(kept);
    asideRemoved.inc(removed);
  };
}
