/** Who is really connected to what, read from the metrics of the log, and where to draw it. Pure. */
import { rate } from './prometheus.js';

/**
 * @typedef {import('./prometheus.js').Look} Look
 * @typedef {{ name: string, kind: 'role' | 'topic', column: number, row: number }} Node
 * @typedef {{ from: string, to: string, perSecond: number | undefined }} Edge
 */

const PRODUCED = 'sluice_log_produced_records_total';
const CONSUMED = 'sluice_consumer_batch_records_sum';

/**
 * @param {Look | undefined} before
 * @param {Look} now
 * @returns {{ nodes: Node[], edges: Edge[] }}
 */
export function topologyOf(before, now) {
  const edges = [...produced(before, now), ...consumed(before, now)];
  const columns = columnsOf(edges);
  /** @type {Map<number, number>} */
  const rows = new Map();
  const nodes = [...columns].map(([name, column]) => {
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    /** @type {Node} */
    const node = { name, kind: isTopic(name) ? 'topic' : 'role', column, row };
    return node;
  });
  return { nodes, edges };
}

/**
 * @param {Look | undefined} before
 * @param {Look} now
 * @returns {Edge[]}
 */
function produced(before, now) {
  return distinct(now, PRODUCED, ['role', 'topic']).map(([role = '', topic = '']) => ({
    from: role,
    to: topic,
    perSecond: rate(before, now, PRODUCED, { role, topic }),
  }));
}

/**
 * @param {Look | undefined} before
 * @param {Look} now
 * @returns {Edge[]}
 */
function consumed(before, now) {
  const groups = distinct(now, 'sluice_consumer_lag_records', ['role', 'group', 'topic']);
  const edges = groups.map(([role = '', group = '', topic = '']) => ({
    from: topic,
    to: group,
    perSecond: rate(before, now, CONSUMED, { role, group, topic }),
  }));
  // A group belongs to the role that produces; where one role has several groups, each leads on to where the role writes.
  const writes = distinct(now, PRODUCED, ['role', 'topic']);
  const onwards = groups.flatMap(([role, group = '']) =>
    writes
      .filter(([writer]) => writer === role && role !== group)
      .map(([, topic = '']) => ({ from: group, to: topic, perSecond: undefined })),
  );
  // Firehose and push journal in threads that have logs of their own.
  const journals = [
    ['firehose', 'sluice_firehose_journaled_messages_total'],
    ['push', 'sluice_push_journaled_total'],
  ].flatMap(([role = '', journaled = '']) =>
    now.samples.some(({ name }) => name === journaled)
      ? [{ from: 'results-1', to: role, perSecond: rate(before, now, journaled) }]
      : [],
  );
  return [...edges, ...onwards, ...journals];
}

/**
 * @param {Look} look
 * @param {string} name
 * @param {string[]} labels
 * @returns {string[][]}
 */
function distinct({ samples }, name, labels) {
  const found = samples
    .filter((sample) => sample.name === name)
    .map((sample) => labels.map((l) => sample.labels[l] ?? ''));
  return [...new Map(found.map((values) => [values.join(' '), values])).values()];
}

/**
 * Left to right along the way of a record: what nothing leads to comes first. Results that lead back (a summary is
 * itself a result) do not push their topic on.
 *
 * @param {Edge[]} edges
 * @returns {Map<string, number>}
 */
function columnsOf(edges) {
  const names = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  /** @type {Map<string, number>} */
  const columns = new Map();
  const ORDER = ['gateway', 'ingest-1', 'vision-', 'results-1', ''];
  for (const name of names) {
    const known = ORDER.findIndex((beginning) => name.startsWith(beginning));
    columns.set(name, isTopic(name) && name !== 'ingest-1' && name !== 'results-1' ? 5 : known);
  }
  // A role that has groups is drawn as these.
  const isShownByGroups = (/** @type {string} */ name) =>
    name === 'vision' && names.some((n) => n.startsWith('vision-'));
  for (const name of names) if (isShownByGroups(name)) columns.delete(name);
  return columns;
}

/** @param {string} name */
function isTopic(name) {
  return /-\d+$/.test(name);
}
