/** How messages leave, for whoever is signed in: open streams (an operator's token shows everyone's) and their own webhook. */
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { poll } from './poll.js';
import { problemOf } from './problem.js';

/**
 * @typedef {{ stream: string, client: string, consumer: string | null, offset: number, lag: number, paused: boolean, messages: number, bytes: number, messages_per_second: number }} Connection
 * @typedef {{ state: string, in_flight: number, position: { epoch: string, offset: number }, dead_letters: number, failing_since?: string, next_try?: string }} Delivery
 */

/** @param {{ token: string }} props */
export function WaysOut({ token }) {
  const [connections, setConnections] = useState(/** @type {Connection[]} */ ([]));
  const [delivery, setDelivery] = useState(/** @type {Delivery | undefined} */ (undefined));
  const [trouble, setTrouble] = useState('');
  const headers = { authorization: `Bearer ${token}` };
  useEffect(() => {
    const abort = new AbortController();
    const get = (/** @type {string} */ path) => fetch(path, { headers, signal: abort.signal });
    poll(abort.signal, async () => {
      try {
        const [streams, webhook] = await Promise.all([get('/v1/connections'), get('/v1/webhook/delivery')]);
        if (!streams.ok) throw await problemOf(streams);
        setConnections((await streams.json()).connections);
        // Without a webhook there is nothing to tell.
        setDelivery(webhook.ok ? await webhook.json() : undefined);
        setTrouble('');
      } catch (error) {
        if (!abort.signal.aborted) setTrouble(/** @type {Error} */ (error).message);
      }
    });
    return () => abort.abort();
  }, [token]);

  const close = async (/** @type {string} */ stream) => {
    const response = await fetch(`/v1/connections/${encodeURIComponent(stream)}`, { method: 'DELETE', headers });
    if (!response.ok) setTrouble((await problemOf(response)).message);
  };
  return html`<h2>Open streams</h2>
    ${trouble && html`<p class="bad" role="alert">${trouble}</p>`}
    <div class="scroll card" tabindex="0" role="region" aria-label="Open streams">
      <table>
        <thead><tr><th scope="col">Client</th><th scope="col">Consumer</th><th scope="col">Offset</th><th scope="col">Lag</th><th scope="col">Rate</th><th scope="col">Sent</th><th scope="col">End</th></tr></thead>
        <tbody>
          ${connections.map(
            ({ stream, client, consumer, offset, lag, paused, bytes, messages_per_second: rate }) =>
              html`<tr key=${stream}><th scope="row">${client}</th><td>${consumer ?? '–'}</td><td>${offset}</td><td>${lag}</td>
                <td>${paused ? 'paused' : `${rate}/s`}</td><td>${(bytes / 1024).toFixed(0)} KiB</td>
                <td><button type="button" onClick=${() => close(stream)} aria-label=${`Close stream ${stream} of ${client}`}>Close</button></td></tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${
      delivery &&
      html`<h2>Your webhook</h2>
        <dl class="tiles">
          <div><dt>State</dt><dd>${delivery.state}</dd></div>
          <div><dt>Offset</dt><dd>${delivery.position.offset}</dd></div>
          <div><dt>In flight</dt><dd>${delivery.in_flight}</dd></div>
          <div><dt>Dead letters</dt><dd>${delivery.dead_letters}</dd></div>
          ${delivery.failing_since && html`<div><dt>Failing since</dt><dd>${delivery.failing_since}</dd></div>`}
          ${delivery.next_try && html`<div><dt>Next try</dt><dd>${delivery.next_try}</dd></div>`}
        </dl>`
    }`;
}
