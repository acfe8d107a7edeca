/** The HTML report of benchmark runs: one self-contained page, charts as inline SVG, nothing fetched, no script. */

import { type BenchRun, changeAgainst, runBefore } from './results.ts';
import type { CaseResult, GoalResult, VariantResult } from './run-suite.ts';

/** @param runs every run known, oldest first; the newest of each suite is shown, against the one before it */
export function reportHtml(runs: readonly BenchRun[]): string {
  const newest = [...new Map(runs.map((run) => [run.suite, run])).values()];
  const sections = newest.map((run) => suiteSection(run, runBefore(run, runs), runs));
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice benchmarks</title><style>${STYLE}</style>
<h1>Sluice benchmarks</h1>
<p>Medians of interleaved rounds; a tick marks every round. A ratio is the median over the rounds of the ratio within each
round. Change is against the run before at the same scale.</p>
${sections.join('\n')}
</html>
`;
}

function suiteSection(run: BenchRun, previous: BenchRun | undefined, runs: readonly BenchRun[]): string {
  const { cpu, cores, memory_gib, system, node, load_before, commit } = run.machine;
  const facts = `${run.time} · commit ${commit} · ${cpu}, ${cores} cores, ${memory_gib} GiB · ${system} · Node ${node}`;
  const scale = run.scale === 1 ? '' : ` · <strong>scale ${run.scale}: a trial, not a result</strong>`;
  return `<section><h2>${escaped(run.suite)}</h2><p>${escaped(run.about)}</p>
<p class="facts">${escaped(facts)} · load before ${load_before}${scale}</p>
${run.cases.map((result) => caseFigure(result, previous, history(run, result, runs))).join('\n')}</section>`;
}

function caseFigure(result: CaseResult, previous: BenchRun | undefined, trend: string): string {
  const direction = result.better === 'higher' ? 'more is better' : 'less is better';
  return `<figure><figcaption>${escaped(result.name)} <small>${escaped(result.unit)}, ${direction}, ${result.rounds} rounds</small></figcaption>
${bars(result)}
<table><thead><tr><th>variant<th>kind<th>median<th>least – most<th>change<th>further<th>survives</thead><tbody>
${result.variants.map((variant) => variantRow(result, variant, previous)).join('\n')}
</tbody></table>${result.goals.map(goalLine).join('')}${trend}</figure>`;
}

function variantRow(result: CaseResult, variant: VariantResult, previous: BenchRun | undefined): string {
  const name = `<tr><th scope="row">${escaped(variant.name)}<td>${variant.kind}`;
  if (variant.unavailable !== undefined) return `${name}<td colspan="5">did not run: ${escaped(variant.unavailable)}`;
  const change = changeAgainst(previous, result.name, variant.name, variant.median);
  const further = Object.entries(variant.also).map(([label, value]) => `${escaped(label)} ${short(value)}`);
  return `${name}<td>${short(variant.median)}<td>${short(Math.min(...variant.values))} – ${short(Math.max(...variant.values))}<td>${
    change === undefined ? '–' : `${change >= 1 ? '+' : '−'}${Math.abs((change - 1) * 100).toFixed(1)} %`
  }<td>${further.join(', ')}<td>${escaped(variant.durability ?? '')}`;
}

function goalLine(goal: GoalResult): string {
  const bounds = [
    goal.atLeast === undefined ? '' : `at least ${goal.atLeast}`,
    goal.atMost === undefined ? '' : `at most ${goal.atMost}`,
  ];
  const verdict =
    goal.ratio === undefined
      ? 'not judged'
      : `${goal.ratio.toFixed(2)}: <strong class="${goal.met ? 'met' : 'missed'}">${goal.met ? 'met' : 'missed'}</strong>`;
  const what = `${escaped(goal.subject)} ÷ ${escaped(goal.against)}`;
  return `<p class="goal">${what} ${bounds.filter((text) => text !== '').join(', ')} → ${verdict}</p>`;
}

const BAR = { width: 720, label: 200, height: 26 };

/** A bar for each variant as long as its median, with a tick for each round. */
function bars({ name, variants }: CaseResult): string {
  const shown = variants.filter(({ values }) => values.length > 0);
  if (shown.length === 0) return '';
  const most = Math.max(...shown.flatMap(({ values }) => values), Number.MIN_VALUE);
  const x = (value: number) => BAR.label + (Math.max(0, value) / most) * (BAR.width - BAR.label - 10);
  const rows = shown.map((variant, index) => {
    const y = index * BAR.height;
    const ticks = variant.values.map((value) => `<path class="tick" d="M${x(value).toFixed(1)} ${y + 3}v18"/>`);
    return `<text x="${BAR.label - 8}" y="${y + 17}">${escaped(variant.name)}</text><rect class="${variant.kind}" x="${
      BAR.label
    }" y="${y + 5}" width="${(x(variant.median) - BAR.label).toFixed(1)}" height="14"/>${ticks.join('')}`;
  });
  const height = shown.length * BAR.height;
  return `<svg viewBox="0 0 ${BAR.width} ${height}" role="img" aria-label="${escaped(name)}: medians as bars">${rows.join('')}</svg>`;
}

/** The subject's ratio to each goal's other variant over all runs at this scale, where there are several. */
function history(run: BenchRun, result: CaseResult, runs: readonly BenchRun[]): string {
  const lines = result.goals.map((goal) => {
    const ratios = runs
      .filter((other) => other.suite === run.suite && other.scale === run.scale)
      .map((other) => ratioIn(other, result.name, goal))
      .filter((ratio) => ratio !== undefined);
    return ratios.length < 2 ? '' : trendLine(ratios, `${goal.subject} ÷ ${goal.against}`);
  });
  return lines.join('');
}

function ratioIn(run: BenchRun, caseName: string, { subject, against }: GoalResult): number | undefined {
  return run.cases
    .find(({ name }) => name === caseName)
    ?.goals.find((goal) => goal.subject === subject && goal.against === against)?.ratio;
}

function trendLine(ratios: readonly number[], label: string): string {
  const most = Math.max(...ratios);
  const points = ratios.map((ratio, index) => `${(index / (ratios.length - 1)) * 200},${36 - (ratio / most) * 32}`);
  const spoken = `${label} over ${ratios.length} runs: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`;
  return `<p class="trend"><svg viewBox="-4 0 208 40" role="img" aria-label="${escaped(spoken)}"><polyline points="${points.join(' ')}"/></svg> ${escaped(spoken)}</p>`;
}

function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 2 : 4;
  return value.toLocaleString('en-GB', { maximumFractionDigits: digits });
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1d2530, #e4e9f0); --soft: light-dark(#5d6b7c, #9aa8b9);
  --line: light-dark(#d5dce5, #333d4a); --subject: light-dark(#1667b7, #58a6ff); --peer: light-dark(#b65f00, #f0a050);
  --limit: light-dark(#8793a2, #6b7787); }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: light-dark(#fff, #12171e); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
figure { margin: 1.5rem 0; overflow-x: auto; } figcaption { font-weight: 600; } small, .facts { color: var(--soft); font-weight: 400; }
svg { width: 100%; max-width: 720px; } svg text { font: 12px system-ui, sans-serif; fill: var(--ink); text-anchor: end; }
.subject { fill: var(--subject); } .peer { fill: var(--peer); } .limit { fill: var(--limit); }
.tick { stroke: var(--ink); stroke-width: 1; opacity: .6; } polyline { fill: none; stroke: var(--subject); stroke-width: 2; }
.trend svg { width: 208px; vertical-align: middle; } table { border-collapse: collapse; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: left; font-variant-numeric: tabular-nums; }
.met { color: light-dark(#17713b, #5fd28b); } .missed { color: light-dark(#b3261e, #ff8a80); }
`;
