/** Prometheus' text format: samples out of the text, and what can be said of two looks at them. Pure. */

/**
 * @typedef {{ name: string, labels: Record<string, string>, value: number }} Sample
 * @typedef {{ time: number, samples: Sample[] }} Look one reading of /metrics; time in milliseconds
 */

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/**
 * @param {string} text
 * @returns {Sample[]}
 */
export function parseMetrics(text) {
  const samples = [];
  for (const line of text.split('\n')) {
    const match = line.startsWith('#') ? null : SAMPLE.exec(line);
    if (match === null) continue;
    const labels = [...(match[2] ?? '').matchAll(LABEL)].map(([, name, value]) => [name, unescaped(value ?? '')]);
    samples.push({ name: match[1] ?? '', labels: Object.fromEntries(labels), value: number(match[3] ?? '') });
  }
  return samples;
}

/**
 * The sum of all samples of a name whose labels include these; undefined where there is none.
 *
 * @param {Sample[]} samples
 * @param {string} name
 * @param {Record<string, string>} [labels]
 */
export function sum(samples, name, labels = {}) {
  const found = samples.filter((sample) => sample.name === name && includes(sample.labels, labels));
  return found.length === 0 ? undefined : found.reduce((total, { value }) => total + value, 0);
}

/**
 * Growth per second of a counter; a counter that began anew counts from nothing.
 *
 * @param {Look | undefined} before
 * @param {Look} now
 * @param {string} name
 * @param {Record<string, string>} [labels]
 */
export function rate(before, now, name, labels = {}) {
  const value = sum(now.samples, name, labels);
  if (before === undefined || value === undefined) return undefined;
  const earlier = sum(before.samples, name, labels) ?? 0;
  return (value >= earlier ? value - earlier : value) / ((now.time - before.time) / 1000);
}

/**
 * A quantile of what a histogram took in between two looks, linear within its bucket as Prometheus'
 * histogram_quantile reckons; undefined where nothing came.
 *
 * @param {Look | undefined} before
 * @param {Look} now
 * @param {string} name without `_bucket`
 * @param {number} q 0 to 1
 * @param {Record<string, string>} [labels]
 */
export function quantile(before, now, name, q, labels = {}) {
  const counts = bucketCounts(now, name, labels);
  const earlier = bucketCounts(before, name, labels);
  const buckets = [...counts]
    .map(([bound, count]) => ({ bound, count: count - (earlier.get(bound) ?? 0) }))
    .sort((a, b) => a.bound - b.bound);
  const total = buckets.at(-1)?.count ?? 0;
  if (total <= 0) return undefined;
  const rank = q * total;
  const at = buckets.findIndex(({ count }) => count >= rank);
  const low = buckets[at - 1] ?? { bound: 0, count: 0 };
  const high = buckets[at];
  if (high === undefined || high.bound === Number.POSITIVE_INFINITY) return low.bound;
  return low.bound + ((high.bound - low.bound) * (rank - low.count)) / (high.count - low.count || 1);
}

/**
 * @param {Look | undefined} look
 * @param {string} name
 * @param {Record<string, string>} labels
 * @returns {Map<number, number>}
 */
function bucketCounts(look, name, labels) {
  const counts = new Map();
  for (const sample of look?.samples ?? []) {
    if (sample.name !== `${name}_bucket` || !includes(sample.labels, labels)) continue;
    const bound = number(sample.labels.le ?? '');
    counts.set(bound, (counts.get(bound) ?? 0) + sample.value);
  }
  return counts;
}

/**
 * @param {Record<string, string>} labels
 * @param {Record<string, string>} wanted
 */
function includes(labels, wanted) {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

/** @param {string} text */
function number(text) {
  return text === '+Inf' ? Number.POSITIVE_INFINITY : text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

/** @param {string} text */
function unescaped(text) {
  return text.replace(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character));
}
