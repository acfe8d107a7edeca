/** The operator's view: what every role says of itself, and rates, lags and latencies from two looks at /metrics. */
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { poll } from './poll.js';
import { parseMetrics, quantile, rate, sum } from './prometheus.js';
import { TopologyChart } from './topology-chart.js';
import { WaysOut } from './ways-out.js';

/**
 * @typedef {import('./prometheus.js').Look} Look
 * @typedef {{ role: string, ready: boolean, detail: string }} RoleState
 */

/** Looks kept for the charts: four minutes. */
const KEPT = 120;
/** Rates are over this many looks: ten seconds. */
const OVER = 5;

/** @param {{ token: string | null }} props */
export function OperatorView({ token }) {
  const [roles, setRoles] = useState(/** @type {RoleState[]} */ ([]));
  const [looks, setLooks] = useState(/** @type {Look[]} */ ([]));
  const [trouble, setTrouble] = useState('');
  useEffect(() => {
    const abort = new AbortController();
    poll(abort.signal, async () => {
      try {
        const [ready, metrics] = await Promise.all([
          fetch('/readyz', { signal: abort.signal }).then((response) => response.json()),
          fetch('/metrics', { signal: abort.signal }).then((response) => response.text()),
        ]);
        setRoles(ready.roles);
        setLooks((before) => [...before, { time: Date.now(), samples: parseMetrics(metrics) }].slice(-KEPT));
        setTrouble('');
      } catch (error) {
        if (!abort.signal.aborted) setTrouble(/** @type {Error} */ (error).message);
      }
    });
    return () => abort.abort();
  }, []);
  const now = looks.at(-1);
  const before = looks.length > 1 ? looks.at(Math.max(-1 - OVER, -looks.length)) : undefined;
  return html`<h2>Roles</h2>
    ${trouble && html`<p class="bad" role="alert">The server does not answer: ${trouble}</p>`}
    <div class="scroll card">
      <table>
        <caption class="hidden">Health of each role</caption>
        <thead><tr><th scope="col">Role</th><th scope="col">State</th><th scope="col">Detail</th></tr></thead>
        <tbody>
          ${roles.map(
            ({ role, ready, detail }) => html`<tr key=${role}><th scope="row">${role}</th>
              <td class=${ready ? 'good' : 'bad'}>${ready ? 'ready' : 'not ready'}</td><td>${detail}</td></tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${
      now &&
      html`<${Figures} before=${before} now=${now} /><${Lags} looks=${looks} before=${before} now=${now} />
      <${Breakers} now=${now} />${token !== null && html`<${WaysOut} token=${token} />`}
      <h2>Topology</h2><div class="card"><${TopologyChart} before=${before} now=${now} /></div>
      <${Routes} before=${before} now=${now} /><${Everything} now=${now} />`
    }`;
}

/** @param {{ before: Look | undefined, now: Look }} props */
function Figures({ before, now }) {
  const { samples } = now;
  const figures = [
    ['Images in', perSecond(rate(before, now, 'sluice_gateway_images_total'))],
    ['Refused', perSecond(rate(before, now, 'sluice_gateway_refused_total'))],
    ['Submission p99', seconds(quantile(before, now, 'sluice_gateway_submission_seconds', 0.99))],
    ['Journaled', perSecond(rate(before, now, 'sluice_firehose_journaled_messages_total'))],
    ['Sent', perSecond(rate(before, now, 'sluice_firehose_sent_messages_total'))],
    ['Open streams', whole(sum(samples, 'sluice_firehose_streams'))],
    ['Dead letters', whole(sum(samples, 'sluice_log_produced_records_total', { topic: 'dead-letter-1' }) ?? 0)],
    ['Pushed', perSecond(rate(before, now, 'sluice_push_messages_total'))],
    ['Webhook p99', seconds(quantile(before, now, 'sluice_push_request_seconds', 0.99))],
    ['Memory', bytes(sum(samples, 'process_resident_memory_bytes'))],
    ['Event loop p99', seconds(sum(samples, 'nodejs_eventloop_lag_p99_seconds'))],
    ['Processor', percent(rate(before, now, 'process_cpu_seconds_total'))],
  ];
  return html`<h2>Now</h2>
    <dl class="tiles">${figures.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** @param {{ looks: Look[], before: Look | undefined, now: Look }} props */
function Lags({ looks, before, now }) {
  const samples = now.samples.filter(({ name }) => name === 'sluice_consumer_lag_records');
  const groups = [...new Map(samples.map(({ labels }) => [`${labels.group} ${labels.topic}`, labels])).values()];
  return html`<h2>Consumers</h2>
    <div class="grid">
      ${groups.map(({ group = '', topic = '' }) => {
        const of = { group, topic };
        const lags = looks.map((look) => sum(look.samples, 'sluice_consumer_lag_records', of) ?? 0);
        const partitions = samples.filter(({ labels }) => labels.group === group && labels.topic === topic).length;
        const delay = quantile(before, now, 'sluice_consumer_delay_seconds', 0.99, of);
        return html`<section class="card" key=${`${group} ${topic}`}>
          <h3>${group} <span class="soft">on ${topic}, ${partitions} partitions</span></h3>
          <${Chart} values=${lags} label=${`Lag of ${group} over time, now ${lags.at(-1)}`} />
          <p class="soft">lag ${lags.at(-1)} · ${perSecond(rate(before, now, 'sluice_consumer_batch_records_sum', of))} · wait p99 ${seconds(delay)}</p>
        </section>`;
      })}
    </div>`;
}

/** @param {{ values: number[], label: string }} props */
function Chart({ values, label }) {
  const most = Math.max(1, ...values);
  const points = values.map(
    (value, index) => `${(index / Math.max(1, values.length - 1)) * 100},${38 - (value / most) * 36}`,
  );
  return html`<svg class="chart" viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label=${label}>
    <polyline points=${points.join(' ')} />
  </svg>`;
}

/** Webhook endpoints by what their breakers let through. @param {{ now: Look }} props */
function Breakers({ now }) {
  const states = now.samples.filter(({ name }) => name === 'sluice_push_endpoints');
  if (states.length === 0) return null;
  return html`<h2>Webhook endpoints</h2>
    <dl class="tiles">
      ${states.map(({ labels, value }) => html`<div key=${labels.state}><dt>${labels.state}</dt><dd data-breaker=${labels.state}>${value}</dd></div>`)}
      <div><dt>set aside</dt><dd>${whole(sum(now.samples, 'sluice_push_dead_letters_total') ?? 0)}</dd></div>
    </dl>`;
}

/** @param {{ before: Look | undefined, now: Look }} props */
function Routes({ before, now }) {
  const name = 'http_server_request_duration_seconds';
  const counts = now.samples.filter((sample) => sample.name === `${name}_count`);
  const routes = [...new Map(counts.map(({ labels }) => [`${labels.method} ${labels.route}`, labels])).values()];
  return html`<h2>Routes</h2>
    <div class="scroll card" tabindex="0" role="region" aria-label="Routes">
      <table>
        <thead><tr><th scope="col">Route</th><th scope="col">Rate</th><th scope="col">p99</th><th scope="col">Answers</th></tr></thead>
        <tbody>
          ${routes.map(({ method = '', route = '' }) => {
            const of = { method, route };
            const statuses = counts.filter(({ labels }) => labels.method === method && labels.route === route);
            return html`<tr key=${`${method} ${route}`}><th scope="row">${method} ${route}</th>
              <td>${perSecond(rate(before, now, `${name}_count`, of))}</td>
              <td>${seconds(quantile(before, now, name, 0.99, of))}</td>
              <td>${statuses.map(({ labels, value }) => `${labels.status}: ${value}`).join(', ')}</td></tr>`;
          })}
        </tbody>
      </table>
    </div>`;
}

/** @param {{ now: Look }} props */
function Everything({ now }) {
  const shown = now.samples.filter(({ name }) => name.startsWith('sluice_') && !name.endsWith('_bucket'));
  return html`<details class="card"><summary>All figures of Sluice (${shown.length})</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="All figures"><table><tbody>
      ${shown.map(
        ({ name, labels, value }, index) => html`<tr key=${index}><th scope="row">${name}</th>
          <td>${Object.entries(labels)
            .map(([label, text]) => `${label}=${text}`)
            .join(' ')}</td><td>${value}</td></tr>`,
      )}
    </tbody></table></div>
  </details>`;
}

/** @param {number | undefined} value */
const perSecond = (value) => (value === undefined ? '–' : `${value.toFixed(value < 10 ? 1 : 0)}/s`);
/** @param {number | undefined} value */
const whole = (value) => (value === undefined ? '–' : String(Math.round(value)));
/** @param {number | undefined} value */
const percent = (value) => (value === undefined ? '–' : `${(value * 100).toFixed(0)} %`);
/** @param {number | undefined} value */
const bytes = (value) => (value === undefined ? '–' : `${(value / 2 ** 20).toFixed(0)} MiB`);
/** @param {number | undefined} value */
const seconds = (value) =>
  value === undefined ? '–' : value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(1)} s`;
