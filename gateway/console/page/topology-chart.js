/** Draws the topology: roles and topics as boxes, records as lines that are thicker where some flow. */
import { html } from 'htm/preact';
import { topologyOf } from './topology.js';

const BOX = { width: 150, height: 30, column: 195, row: 48 };

/** @param {{ before: import('./prometheus.js').Look | undefined, now: import('./prometheus.js').Look }} props */
export function TopologyChart({ before, now }) {
  const { nodes, edges } = topologyOf(before, now);
  const places = new Map(nodes.map((node) => [node.name, { x: node.column * BOX.column, y: node.row * BOX.row }]));
  const height = Math.max(1, ...nodes.map(({ row }) => row + 1)) * BOX.row;
  const drawn = edges.flatMap((edge) => {
    const [from, to] = [places.get(edge.from), places.get(edge.to)];
    return from && to ? [{ ...edge, path: pathBetween(from, to) }] : [];
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Topology drawing">
    <svg class="topology" viewBox="-4 -4 ${5 * BOX.column + BOX.width + 8} ${height + 8}" aria-hidden="true">
      ${drawn.map(({ path, perSecond }) => html`<path class="edge ${perSecond ? 'busy' : ''}" d=${path} />`)}
      ${nodes.map(({ name, kind }) => {
        const { x, y } = places.get(name) ?? { x: 0, y: 0 };
        return html`<rect class=${kind} x=${x} y=${y} width=${BOX.width} height=${BOX.height} rx=${kind === 'topic' ? 15 : 4} />
          <text x=${x + BOX.width / 2} y=${y + 20} text-anchor="middle">${name}</text>`;
      })}
    </svg>
    <ul class="hidden">
      ${edges.map(({ from, to, perSecond }) => html`<li>${from} to ${to}${perSecond === undefined ? '' : `: ${perSecond.toFixed(1)} records per second`}</li>`)}
    </ul>
  </div>`;
}

/**
 * @param {{ x: number, y: number }} from
 * @param {{ x: number, y: number }} to
 */
function pathBetween(from, to) {
  const back = to.x <= from.x;
  const start = { x: from.x + (back ? 0 : BOX.width), y: from.y + BOX.height / 2 };
  const end = { x: to.x + (back ? BOX.width : 0), y: to.y + BOX.height / 2 };
  const bend = (end.x - start.x) / 2;
  return `M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}`;
}
