/** The stream inspector: one firehose of the caller's own, from where and through which filter they like. */
import { html } from 'htm/preact';
import { useRef, useState } from 'preact/hooks';
import { follow } from './firehose.js';

/**
 * @typedef {import('./firehose.js').Frame} Frame
 * @typedef {{ epoch: string, offset: number, latest: number, lag: number, live: boolean, messages: number, skipped: number, perSecond: number }} Position
 */

/** Messages shown; those before leave. */
const SHOWN = 200;
const RATE_OVER_MS = 5000;

/** @type {Position} */
const START = { epoch: '', offset: -1, latest: -1, lag: 0, live: false, messages: 0, skipped: 0, perSecond: 0 };

/** @param {{ token: string }} props */
export function StreamView({ token }) {
  const [from, setFrom] = useState('earliest');
  const [types, setTypes] = useState('');
  const [transactions, setTransactions] = useState('');
  const [expression, setExpression] = useState('');
  const [position, setPosition] = useState(START);
  const [messages, setMessages] = useState(/** @type {Frame[]} */ ([]));
  const [state, setState] = useState('not connected');
  const [problem, setProblem] = useState(
    /** @type {{ text: string, errors: { field: string, detail: string }[] } | undefined} */ (undefined),
  );
  const running = useRef(/** @type {AbortController | undefined} */ (undefined));

  const stop = (/** @type {string} */ why) => {
    running.current?.abort();
    running.current = undefined;
    setState(why);
  };

  const run = async (/** @type {import('./firehose.js').From} */ start, /** @type {Position} */ known) => {
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    setProblem(undefined);
    setState('connecting');
    const filter = filterOf(types, transactions, expression);
    const seen = observer(known);
    try {
      for await (const frame of follow(
        token,
        { from: start, ...(filter && { filter }) },
        { signal: abort.signal, onTrouble: setState },
      )) {
        if (abort.signal.aborted) return;
        seen.take(frame);
        if (frame.kind === 'goodbye') setState(`the server closed the stream: ${frame.reason}`);
        else setState('connected');
        seen.paint((next, fresh) => {
          setPosition(next);
          if (fresh.length > 0) setMessages((before) => [...fresh.toReversed(), ...before].slice(0, SHOWN));
        });
      }
      if (!abort.signal.aborted) stop('ended');
    } catch (error) {
      if (abort.signal.aborted) return;
      const { message, errors = [] } = /** @type {any} */ (error);
      setProblem({ text: message, errors });
      stop('refused');
    }
  };

  const open = (/** @type {Event} */ event) => {
    event.preventDefault();
    setMessages([]);
    setPosition(START);
    run(parseFrom(from), START);
  };
  const connected = running.current !== undefined;
  return html`<h2>Stream</h2>
    <form class="card" onSubmit=${open}>
      <label for="from">From</label>
      <input id="from" value=${from} onInput=${taking(setFrom)} aria-describedby="from-help" />
      <div id="from-help" class="soft">earliest, latest, or the offset after which to begin</div>
      <label for="types">Types</label>
      <input id="types" value=${types} onInput=${taking(setTypes)} placeholder="ocr.v1m0.TextLine, barcode.v1m0.Barcode" />
      <label for="transactions">Transactions</label>
      <input id="transactions" value=${transactions} onInput=${taking(setTransactions)} />
      <label for="expression">Filter expression (CEL)</label>
      <textarea id="expression" rows="2" value=${expression} onInput=${taking(setExpression)} aria-describedby="problem" placeholder="payload.confidence > 0.9"></textarea>
      <div id="problem" role="alert" class="bad">
        ${problem && html`${problem.text}<ul>${problem.errors.map(({ field, detail }) => html`<li>${field}: ${detail}</li>`)}</ul>`}
      </div>
      <button type="submit">Open</button>
      <button type="button" disabled=${!connected} onClick=${() => stop('paused')}>Pause</button>
      <button
        type="button"
        disabled=${connected || position.offset < 0}
        onClick=${() => run({ epoch: position.epoch, offset: position.offset }, position)}
      >Resume</button>
    </form>
    <p role="status">Stream: ${state}</p>
    <dl class="tiles">
      <div><dt>Offset</dt><dd data-figure="offset">${position.offset}</dd></div>
      <div><dt>Latest</dt><dd data-figure="latest">${position.latest}</dd></div>
      <div><dt>Lag</dt><dd data-figure="lag">${position.lag}${position.live ? ' (live)' : ''}</dd></div>
      <div><dt>Rate</dt><dd>${position.perSecond.toFixed(1)}/s</dd></div>
      <div><dt>Messages</dt><dd data-figure="messages">${position.messages}</dd></div>
      <div><dt>Filtered out</dt><dd data-figure="skipped">${position.skipped}</dd></div>
      <div><dt>Epoch</dt><dd>${position.epoch || '–'}</dd></div>
    </dl>
    <div class="scroll card" tabindex="0" role="region" aria-label="Messages, newest first">
      <table>
        <thead><tr><th scope="col">Offset</th><th scope="col">Time</th><th scope="col">Type</th><th scope="col">Transaction</th><th scope="col">Payload</th></tr></thead>
        <tbody>
          ${messages.map(
            (message) => html`<tr key=${message.offset}><th scope="row">${message.offset}</th><td>${message.time}</td>
              <td>${message.type}</td><td>${message.transaction}</td><td class="wide"><code>${brief(message.payload)}</code></td></tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

/**
 * Takes frames as fast as they come and lets the page be painted once per animation frame, however many came.
 *
 * @param {Position} known
 */
function observer(known) {
  let position = known;
  /** @type {Frame[]} */
  let fresh = [];
  /** @type {number[]} */
  let times = [];
  let scheduled = false;
  return {
    /** @param {Frame} frame */
    take(frame) {
      if (frame.kind === 'message') {
        const now = performance.now();
        times = [...times.filter((time) => time > now - RATE_OVER_MS).slice(-10_000), now];
        fresh = [...fresh.slice(-SHOWN), frame];
      }
      position = positionAfter(position, frame, (times.length * 1000) / RATE_OVER_MS);
    },
    /** @param {(position: Position, fresh: Frame[]) => void} show */
    paint(show) {
      if (scheduled) return;
      scheduled = true;
      requestAnimationFrame(() => {
        scheduled = false;
        const showing = fresh;
        fresh = [];
        show(position, showing);
      });
    },
  };
}

/**
 * @param {Position} before
 * @param {Frame} frame
 * @param {number} perSecond
 * @returns {Position}
 */
function positionAfter(before, frame, perSecond) {
  const position = { ...before, offset: Math.max(before.offset, frame.offset), perSecond };
  switch (frame.kind) {
    case 'hello':
      return { ...position, epoch: frame.epoch, latest: frame.latest };
    case 'message':
      return { ...position, messages: before.messages + 1, latest: Math.max(before.latest, frame.offset) };
    case 'bookmark':
      return {
        ...position,
        latest: frame.latest,
        lag: frame.lag,
        live: frame.live,
        skipped: before.skipped + frame.skipped,
      };
    case 'caught_up':
      return { ...position, lag: 0, live: true };
    default:
      return position;
  }
}

/**
 * @param {string} text
 * @returns {import('./firehose.js').From}
 */
function parseFrom(text) {
  const trimmed = text.trim();
  return /^\d+$/.test(trimmed) ? { offset: Number(trimmed) } : /** @type {any} */ (trimmed);
}

/**
 * @param {string} types
 * @param {string} transactions
 * @param {string} expression
 */
function filterOf(types, transactions, expression) {
  const filter = {
    ...(list(types).length > 0 && { types: list(types) }),
    ...(list(transactions).length > 0 && { transactions: list(transactions) }),
    ...(expression.trim() !== '' && { expression: expression.trim() }),
  };
  return Object.keys(filter).length > 0 ? filter : undefined;
}

/** @param {string} text */
const list = (text) => text.split(/[\s,]+/).filter((part) => part !== '');

/** @param {(value: string) => void} set */
const taking = (set) => (/** @type {any} */ event) => set(event.target.value);

/** @param {unknown} payload */
const brief = (payload) => {
  const text = JSON.stringify(payload);
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
};
