/** The HTML report of benchmark runs: one self-contained page, charts as inline SVG, nothing fetched, no script. */
import { bars, escaped, trendLine } from './report-charts.ts';
import { type BenchRun, changeAgainst, medianIn, runBefore } from './results.ts';
import type { CaseResult, GoalResult, VariantResult } from './run-suite.ts';

/** @param runs every run known, oldest first; the newest of each suite is shown, against the one before it */
export function reportHtml(runs: readonly BenchRun[]): string {
  const newest = [...new Map(runs.map((run) => [run.suite, run])).values()];
  const sections = newest.map((run) => suiteSection(run, runBefore(run, runs), runs));
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice benchmarks</title><style>${STYLE}</style>
<main><h1>Sluice benchmarks</h1>
<p>Medians of interleaved rounds; a tick marks every round. A ratio is the median over the rounds of the ratio within each
round. Change is against the run before at the same scale, whose median is the dashed mark.</p>
${goalsTable(newest)}
${sections.join('\n')}
</main>
</html>
`;
}

/** What was asked of the newest runs and what came of it, before all the rest. */
function goalsTable(runs: readonly BenchRun[]): string {
  const rows = runs.flatMap((run) =>
    run.cases.flatMap(({ name, goals }) =>
      goals.map(
        (goal) =>
          `<tr><th scope="row"><a href="#${run.suite}">${run.suite}</a><td>${escaped(name)}<td>${goalText(goal)}`,
      ),
    ),
  );
  if (rows.length === 0) return '';
  return `<div class="wide" tabindex="0" role="region" aria-label="Goals"><table><caption>Goals</caption><thead><tr><th>suite<th>case<th>goal and outcome</thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

function suiteSection(run: BenchRun, previous: BenchRun | undefined, runs: readonly BenchRun[]): string {
  const { cpu, cores, memory_gib, system, node, load_before, commit } = run.machine;
  const facts = `${run.time} · commit ${commit} · ${cpu}, ${cores} cores, ${memory_gib} GiB · ${system} · Node ${node}`;
  const scale = run.scale === 1 ? '' : ` · <strong>scale ${run.scale}: a trial, not a result</strong>`;
  return `<section id="${escaped(run.suite)}"><h2>${escaped(run.suite)}</h2><p>${escaped(run.about)}</p>
<p class="facts">${escaped(facts)} · load before ${load_before}${scale}</p>
${run.cases.map((result) => caseFigure(result, previous, history(run, result, runs))).join('\n')}</section>`;
}

function caseFigure(result: CaseResult, previous: BenchRun | undefined, trend: string): string {
  const direction = result.better === 'higher' ? 'more is better' : 'less is better';
  return `<figure><figcaption>${escaped(result.name)} <small>${escaped(result.unit)}, ${direction}, ${result.rounds} rounds</small></figcaption>
${bars(result, (variant) => medianIn(previous, result.name, variant))}
<div class="wide" tabindex="0" role="region" aria-label="Figures: ${escaped(result.name)}"><table><thead><tr><th>variant<th>kind<th>median<th>least – most<th>change<th>further<th>survives</thead><tbody>
${result.variants.map((variant) => variantRow(result, variant, previous)).join('\n')}
</tbody></table></div>${result.goals.map(goalLine).join('')}${trend}</figure>`;
}

function variantRow(result: CaseResult, variant: VariantResult, previous: BenchRun | undefined): string {
  const name = `<tr><th scope="row">${escaped(variant.name)}<td>${variant.kind}`;
  if (variant.unavailable !== undefined) return `${name}<td colspan="5">did not run: ${escaped(variant.unavailable)}`;
  const change = changeAgainst(previous, result.name, variant.name, variant.median);
  const further = Object.entries(variant.also).map(([label, value]) => `${escaped(label)} ${short(value)}`);
  const range = `${short(Math.min(...variant.values))} – ${short(Math.max(...variant.values))}`;
  return `${name}<td>${short(variant.median)}<td>${range}<td>${changeText(change, result.better)}<td>${further.join(', ')}<td>${escaped(variant.durability ?? '')}`;
}

function changeText(change: number | undefined, better: CaseResult['better']): string {
  if (change === undefined) return '–';
  const text = `${change >= 1 ? '+' : '−'}${Math.abs((change - 1) * 100).toFixed(1)} %`;
  if (change === 1) return text;
  const isBetter = change > 1 === (better === 'higher');
  return `<span class="${isBetter ? 'met' : 'missed'}">${text} ${isBetter ? 'better' : 'worse'}</span>`;
}

function goalLine(goal: GoalResult): string {
  return `<p class="goal">${goalText(goal)}</p>`;
}

function goalText(goal: GoalResult): string {
  const bounds = [
    goal.atLeast === undefined ? '' : `at least ${goal.atLeast}`,
    goal.atMost === undefined ? '' : `at most ${goal.atMost}`,
  ];
  const verdict =
    goal.ratio === undefined
      ? 'not judged'
      : `${goal.ratio.toFixed(2)}, <strong class="${goal.met ? 'met' : 'missed'}">${goal.met ? 'met' : 'missed'}</strong>`;
  const what = `${escaped(goal.subject)} ÷ ${escaped(goal.against)}`;
  return `${what} ${bounds.filter((text) => text !== '').join(', ')}: ${verdict}`;
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

function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 2 : 4;
  return value.toLocaleString('en-GB', { maximumFractionDigits: digits });
}

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1d2530, #e4e9f0); --soft: light-dark(#5d6b7c, #9aa8b9);
  --line: light-dark(#d5dce5, #333d4a); --subject: light-dark(#1667b7, #58a6ff); --peer: light-dark(#b65f00, #f0a050);
  --limit: light-dark(#8793a2, #6b7787); }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: light-dark(#fff, #12171e); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
figure { margin: 1.5rem 0; } figcaption { font-weight: 600; } small, .facts { color: var(--soft); font-weight: 400; }
.bars { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .1rem .8rem; align-items: center; margin: .4rem 0; }
.bars span { font-size: .85rem; } .bars svg { width: 100%; height: 1.2rem; }
.subject { fill: var(--subject); } .peer { fill: var(--peer); } .limit { fill: var(--limit); }
path { stroke: var(--ink); stroke-width: 1.5px; vector-effect: non-scaling-stroke; } .before { stroke-dasharray: 3 2; stroke: var(--peer); stroke-width: 2px; }
polyline { fill: none; stroke: var(--subject); stroke-width: 2; } .trend svg { width: 208px; vertical-align: middle; }
.wide { overflow-x: auto; } table { border-collapse: collapse; } caption { text-align: left; font-weight: 600; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: left; font-variant-numeric: tabular-nums; }
a { color: var(--subject); } .met { color: light-dark(#17713b, #5fd28b); } .missed { color: light-dark(#b3261e, #ff8a80); }
@media (max-width: 40rem) { .bars { grid-template-columns: 1fr; } td, th { white-space: nowrap; } }
`;
