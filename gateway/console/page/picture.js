/** One picture with what was found in it: drawn over it for the eye, listed under it for everyone. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { wordsOf } from './image-results.js';

/**
 * @typedef {import('./image-results.js').ImageResult} ImageResult
 * @typedef {import('./image-results.js').Finding} Finding
 */

/** @param {{ upload: import('./images-view.js').Upload, result: ImageResult | undefined }} props */
export function Picture({ upload, result }) {
  // Positions are in pixels of the image as a person sees it, which is also how a browser measures it.
  const [size, setSize] = useState({ width: 0, height: 0 });
  const findings = result?.findings ?? [];
  const box = size.width > 0 ? size : { width: result?.width ?? 0, height: result?.height ?? 0 };
  return html`<article class="card" aria-label=${upload.name}>
    <div class="picture">
      <img
        src=${upload.url}
        alt=${upload.name}
        onLoad=${(/** @type {any} */ { target }) => setSize({ width: target.naturalWidth, height: target.naturalHeight })}
      />
      ${
        box.width > 0 &&
        html`<svg viewBox="0 0 ${box.width} ${box.height}" preserveAspectRatio="none" aria-hidden="true">
        ${findings.map(({ kind, corners }) => html`<polygon class="shape ${kind}" points=${corners.map(({ x, y }) => `${x},${y}`).join(' ')} />`)}
      </svg>`
      }
    </div>
    <h3>${upload.name}</h3>
    <p class="soft" role="status">${stateOf(upload, result)}</p>
    <ul class="results" aria-label=${`Found in ${upload.name}`}>
      ${findings.map((finding, index) => {
        const { what, beside } = wordsOf(finding);
        return html`<li key=${index} class=${finding.kind}>${what} <span class="soft">${beside}</span></li>`;
      })}
    </ul>
  </article>`;
}

/**
 * @param {import('./images-view.js').Upload} upload
 * @param {ImageResult | undefined} result
 */
function stateOf(upload, result) {
  if (upload.problem !== undefined) return `Refused: ${upload.problem}`;
  if (upload.image === undefined) return 'Sending';
  if (result === undefined) return 'Accepted';
  return Object.entries(result.services)
    .map(([service, { state, detail }]) => `${service} ${state}${detail === '' ? '' : ` (${detail})`}`)
    .join(' · ');
}
