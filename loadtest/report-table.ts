/** The newest run of a suite as tables in Markdown, to be put into a page of the documentation. */
import type { BenchRun } from './results.ts';
import type { CaseResult, VariantResult } from './run-suite.ts';

export function reportTables(run: BenchRun): string {
  const { cpu, cores, system, node, load_before, commit } = run.machine;
  const trial = run.scale === 1 ? '' : ` **Scale ${run.scale}: a trial, not a result.**`;
  const variants = new Map(run.cases.flatMap((result) => result.variants.map((variant) => [variant.name, variant])));
  return `# ${run.suite}: ${run.about}

${run.time}, commit ${commit}, ${cpu} (${cores} cores), ${system}, Node ${node}, load before ${load_before}. Medians of interleaved rounds.${trial}

${alike(run.cases).map(table).join('\n\n')}

What an acknowledged message survives:

${[...variants.values()].flatMap(({ name, durability }) => (durability === undefined ? [] : [`- ${name}: ${durability}`])).join('\n')}
`;
}

/** Cases whose values mean the same share a table. */
function alike(cases: readonly CaseResult[]): CaseResult[][] {
  return [...Map.groupBy(cases, ({ unit }) => unit).values()];
}

function table(cases: readonly CaseResult[]): string {
  const further = [...new Set(cases.flatMap(({ variants }) => variants.flatMap(({ also }) => Object.keys(also))))];
  const head = ['case', '', `${cases[0]!.unit}, ${cases[0]!.better} is better`, 'least – most', ...further.map(label)];
  const rows = cases.flatMap(({ name, variants }) =>
    variants.map((variant, place) => [place === 0 ? name : '', variant.name, ...cells(variant, further)]),
  );
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function cells({ values, median, also, unavailable }: VariantResult, further: readonly string[]): string[] {
  if (unavailable !== undefined) return [`– (${unavailable})`, '', ...further.map(() => '')];
  const range = `${rounded(Math.min(...values))} – ${rounded(Math.max(...values))}`;
  return [rounded(median), range, ...further.map((name) => rounded(also[name] ?? Number.NaN))];
}

/** `p99_ms`: p99, ms */
function label(name: string): string {
  return name
    .replace(/_per_s$/, '/s')
    .replace(/_(ms|us)\b/, ', $1')
    .replaceAll('_', ' ');
}

/** Three digits that count. */
function rounded(value: number): string {
  return Number.isFinite(value)
    ? Number(value.toPrecision(3)).toLocaleString('en-GB', { maximumFractionDigits: 3 })
    : '–';
}
