/** The dashboard and the alert rules are well-formed, and every metric that they name is exported by a running deployment. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parser } from '@prometheus-io/lezer-promql';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { canaryMetrics } from '../../loadtest/load/canary-metrics.ts';
import { startSluice } from '../harness/sluice-process.ts';

const folder = fileURLToPath(new URL('../../docs/monitoring/', import.meta.url));
interface Panel {
  readonly targets: readonly { readonly expr: string }[];
}

async function expressions(): Promise<string[]> {
  const { groups } = parse(await readFile(`${folder}alerts.yaml`, 'utf8'));
  const { panels } = JSON.parse(await readFile(`${folder}grafana-dashboard.json`, 'utf8'));
  const alerts: string[] = groups.flatMap(({ rules }: { rules: { expr: string }[] }) => rules.map(({ expr }) => expr));
  const shown = panels.flatMap(({ targets }: Panel) => targets.map(({ expr }) => expr));
  return [...alerts, ...shown.map((expr: string) => expr.replaceAll('$__rate_interval', '5m'))];
}

/** @returns the metrics that it names; throws where it is no PromQL */
function metricsOf(expression: string): string[] {
  const found: string[] = [];
  parser.parse(expression).iterate({
    enter({ type, name, from, to }) {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${expression}`);
      if (name === 'VectorSelector') found.push(/^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(expression.slice(from, to))![0]);
    },
  });
  return found;
}

test('what is no PromQL is found', () => {
  expect(() => metricsOf('sum by (a (b)')).toThrow();
  expect(metricsOf('sum by (a) (rate(b_total{c="d"}[5m]))')).toEqual(['b_total']);
});

test('every metric of the dashboard and the alerts is exported', { timeout: 120_000 }, async () => {
  const named = new Set((await expressions()).flatMap(metricsOf));
  const data = await mkdtemp(join(tmpdir(), 'sluice-monitoring-'));
  const sluice = await startSluice(['up', '--port', '0', '--data', data, '--vision-synthetic-enabled', 'true']);
  try {
    const missing = async () => {
      const deployment = await fetch(`${sluice.url}/metrics`).then((response) => response.text());
      const text = deployment + (await canaryMetrics(Date.now, 0).registry.metrics());
      const exported = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!));
      return [...named].filter(
        (name) => !exported.has(name) && !exported.has(name.replace(/_(bucket|count|sum)$/, '')),
      );
    };
    // Some are of threads, which may still be starting.
    await expect.poll(missing, { interval: 250 }).toEqual([]);
    expect(named.size).toBeGreaterThan(15);
  } finally {
    await sluice.stop();
    await rm(data, { recursive: true, force: true });
  }
});
