/** Images in, results out: drop pictures, and what the services find is drawn over them as it arrives. */
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { follow } from './firehose.js';
import { withMessage } from './image-results.js';
import { Picture } from './picture.js';
import { problemOf } from './problem.js';

/**
 * @typedef {{ key: number, name: string, url: string, image?: string, problem?: string }} Upload
 * @typedef {import('./image-results.js').ImageResults} ImageResults
 */

const AT_ONCE = 3;
let keys = 0;

/** @param {{ token: string, onRefused: (reason: string) => void }} props */
export function ImagesView({ token, onRefused }) {
  const [transaction, setTransaction] = useState(() => `console-${crypto.randomUUID().slice(0, 8)}`);
  const [uploads, setUploads] = useState(/** @type {Upload[]} */ ([]));
  const [results, setResults] = useState(/** @type {ImageResults} */ ({}));
  const [summary, setSummary] = useState(/** @type {any} */ (undefined));
  const [trouble, setTrouble] = useState('');
  const [over, setOver] = useState(false);
  const current = useRef(transaction);
  current.current = transaction;

  useEffect(() => {
    const abort = new AbortController();
    listen(token, abort.signal, setTrouble, (message) => {
      setResults((before) => withMessage(before, message));
      if (message.type.endsWith('.TransactionSummary') && message.transaction === current.current)
        setSummary(message.payload);
    }).catch((error) => onRefused(error.message));
    return () => abort.abort();
  }, [token]);

  /** @param {FileList | null | undefined} files */
  const submit = async (files) => {
    const added = [...(files ?? [])].map((file) => ({
      key: keys++,
      file,
      name: file.name,
      url: URL.createObjectURL(file),
    }));
    setUploads((before) => [...added.map(({ key, name, url }) => ({ key, name, url })), ...before]);
    const waiting = added.toReversed();
    const worker = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const outcome = await send(token, transaction, next.file);
        const { key } = next;
        setUploads((before) => before.map((upload) => (upload.key === key ? { ...upload, ...outcome } : upload)));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };

  return html`<h2>Images</h2>
    ${trouble && html`<p class="bad" role="alert">${trouble}</p>`}
    <div
      class="card drop ${over ? 'over' : ''}"
      onDragOver=${(/** @type {DragEvent} */ event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave=${() => setOver(false)}
      onDrop=${(/** @type {DragEvent} */ event) => {
        event.preventDefault();
        setOver(false);
        submit(event.dataTransfer?.files);
      }}
    >
      <label for="files">Drop images here, or choose them</label>
      <input
        id="files"
        type="file"
        multiple
        accept="image/*"
        onChange=${(/** @type {any} */ event) => submit(event.target.files)}
      />
      <label for="transaction">Transaction</label>
      <input
        id="transaction"
        value=${transaction}
        pattern="[A-Za-z0-9._~\\-]{1,128}"
        onInput=${(/** @type {any} */ event) => {
          setTransaction(event.target.value);
          setSummary(undefined);
        }}
      />
    </div>
    ${summary && html`<${Summary} summary=${summary} />`}
    <div class="grid">
      ${uploads.map(
        (upload) =>
          html`<${Picture} key=${upload.key} upload=${upload} result=${upload.image && results[upload.image]} />`,
      )}
    </div>`;
}

/**
 * @param {string} token
 * @param {AbortSignal} signal
 * @param {(trouble: string) => void} onTrouble
 * @param {(message: any) => void} onMessage
 */
async function listen(token, signal, onTrouble, onMessage) {
  for await (const frame of follow(token, { from: 'latest' }, { signal, onTrouble })) {
    onTrouble('');
    if (frame.kind === 'message') onMessage(frame);
  }
}

/**
 * @param {string} token
 * @param {string} transaction
 * @param {File} file
 * @returns {Promise<{ image: string } | { problem: string }>}
 */
async function send(token, transaction, file) {
  try {
    const path = `/v1/transactions/${encodeURIComponent(transaction)}/images?name=${encodeURIComponent(file.name)}`;
    const response = await fetch(path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': file.type || 'application/octet-stream',
        'idempotency-key': crypto.randomUUID(),
      },
      body: file,
    });
    if (!response.ok) throw await problemOf(response);
    const { images } = await response.json();
    return { image: images[0].image };
  } catch (error) {
    return { problem: /** @type {Error} */ (error).message };
  }
}

/** @param {{ summary: any }} props */
function Summary({ summary }) {
  const { revision, status, images = [], faces = [], text = [], barcodes = [] } = summary;
  const state = String(status).replace('STATUS_', '').toLowerCase();
  return html`<section class="card" aria-live="polite">
    <h3>Summary <span class="soft">revision ${revision}, ${state}</span></h3>
    <p>
      ${images.length} ${images.length === 1 ? 'image' : 'images'}, ${faces.length} ${faces.length === 1 ? 'face' : 'faces'},
      ${' '}${text.length} ${text.length === 1 ? 'line' : 'lines'} of text, ${barcodes.length} ${barcodes.length === 1 ? 'code' : 'codes'}
    </p>
  </section>`;
}
