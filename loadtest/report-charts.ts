/** The charts of the report: inline SVG beside labels in HTML, so that labels keep their size on a small screen. */
import type { CaseResult } from './run-suite.ts';

/** Of the drawing, which is stretched to the width there is. */
const WIDTH = 100;
const HEIGHT = 14;

/**
 * A bar for each variant as long as its median, with a tick for each round and a dashed one for the median of the run before.
 * @param before by variant
 */
export function bars({ variants }: CaseResult, before: (variant: string) => number | undefined): string {
  const shown = variants.filter(({ values }) => values.length > 0);
  const all = shown.flatMap(({ name, values }) => [...values, before(name) ?? 0]);
  const most = Math.max(...all, Number.MIN_VALUE);
  const x = (value: number) => ((Math.max(0, value) / most) * (WIDTH - 1)).toFixed(2);
  const rows = shown.map(({ name, kind, median, values }) => {
    const ticks = values.map((value) => `<path class="tick" d="M${x(value)} 0V${HEIGHT}"/>`).join('');
    const last = before(name);
    const previous = last === undefined ? '' : `<path class="before" d="M${x(last)} 0V${HEIGHT}"/>`;
    const bar = `<rect class="${kind}" y="2" width="${x(median)}" height="${HEIGHT - 4}"/>`;
    return `<span>${escaped(name)}</span><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">${bar}${ticks}${previous}</svg>`;
  });
  return rows.length === 0 ? '' : `<div class="bars">${rows.join('')}</div>`;
}

/** A line over runs, oldest first, at least two. */
export function trendLine(ratios: readonly number[], label: string): string {
  const most = Math.max(...ratios);
  const points = ratios.map((ratio, index) => `${(index / (ratios.length - 1)) * 200},${36 - (ratio / most) * 32}`);
  const spoken = `${label} over ${ratios.length} runs: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`;
  return `<p class="trend"><svg viewBox="-4 0 208 40" aria-hidden="true"><polyline points="${points.join(' ')}"/></svg> ${escaped(spoken)}</p>`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
