/** What is known of each image, folded from the messages of the firehose. Pure: messages in, values out. */

/**
 * @typedef {{ x: number, y: number }} Point
 * @typedef {{ kind: 'face' | 'text' | 'code', corners: Point[], label: string, confidence: number }} Finding
 *   label: what was read, or what a code is called; '' where the kind says it all
 * @typedef {{ state: 'waiting' | 'completed' | 'failed', detail: string }} ServiceState
 * @typedef {{ width: number, height: number, findings: Finding[], services: Record<string, ServiceState> }} ImageResult
 * @typedef {Readonly<Record<string, ImageResult>>} ImageResults
 */

/** @type {ImageResult} */
const NOTHING = { width: 0, height: 0, findings: [], services: {} };

/**
 * @param {ImageResults} results
 * @param {{ type: string, payload: any }} message
 * @returns {ImageResults}
 */
export function withMessage(results, { type, payload }) {
  const id = payload?.imageId;
  if (typeof id !== 'string') return results;
  const image = results[id] ?? NOTHING;
  const next = imageAfter(image, type, payload);
  return next === image ? results : { ...results, [id]: next };
}

/**
 * @param {ImageResult} image
 * @param {string} type
 * @param {any} payload
 * @returns {ImageResult}
 */
function imageAfter(image, type, payload) {
  switch (type.split('.').at(-1)) {
    case 'ImageAccepted': {
      const waiting = payload.services.map((/** @type {string} */ name) => [name, { state: 'waiting', detail: '' }]);
      const { width, height } = payload;
      return { ...image, width, height, services: { ...Object.fromEntries(waiting), ...image.services } };
    }
    case 'ServiceCompleted':
      return withService(image, payload.service, { state: 'completed', detail: seconds(payload.duration) });
    case 'ServiceFailed':
      return withService(image, payload.service, { state: 'failed', detail: payload.detail || payload.title });
    default: {
      const finding = findingOf(type, payload);
      return finding === undefined ? image : { ...image, findings: [...image.findings, finding] };
    }
  }
}

/**
 * @param {ImageResult} image
 * @param {string} service
 * @param {ServiceState} state
 */
function withService(image, service, state) {
  return { ...image, services: { ...image.services, [service]: state } };
}

/**
 * Anything with a place in the image can be drawn, also of services that this page has never heard of.
 *
 * @param {string} type
 * @param {any} payload
 * @returns {Finding | undefined}
 */
function findingOf(type, payload) {
  const corners = payload.box ? cornersOfBox(payload.box) : cornersOf(payload.quadrilateral);
  if (corners === undefined) return undefined;
  const { text = '', label = '', confidence = 0 } = payload;
  if (type.startsWith('ocr.')) return { kind: 'text', corners, label: text, confidence };
  if (type.startsWith('faceextract.')) return { kind: 'face', corners, label: '', confidence };
  return { kind: 'code', corners, label: text === '' ? label : `${label}: ${text}`, confidence };
}

/**
 * A finding in words: what it is, and what is to be said beside it.
 *
 * @param {Pick<Finding, 'kind' | 'label' | 'confidence'>} finding
 */
export function wordsOf({ kind, label, confidence }) {
  const certainty = `${(confidence * 100).toFixed(0)} %`;
  return label === '' ? { what: kind, beside: certainty } : { what: label, beside: `${kind}, ${certainty}` };
}

/** @param {{ x: number, y: number, width: number, height: number }} box */
function cornersOfBox({ x, y, width, height }) {
  return [
    { x, y },
    { x: x + width, y },
    { x: x + width, y: y + height },
    { x, y: y + height },
  ];
}

/**
 * @param {any} quadrilateral
 * @returns {Point[] | undefined}
 */
function cornersOf(quadrilateral) {
  if (!quadrilateral) return undefined;
  const { topLeft, topRight, bottomRight, bottomLeft } = quadrilateral;
  return [topLeft, topRight, bottomRight, bottomLeft];
}

/** @param {string} duration protobuf's JSON form, such as "0.250s" */
function seconds(duration) {
  return `${Number.parseFloat(duration || '0').toFixed(2)} s`;
}
