/** One line of plain text for a firehose message: what a person wants to know of it. */

export interface DescribableMessage {
  readonly offset: number;
  readonly type: string;
  readonly transaction: string;
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of any event type, also of those that this release does not know
  readonly payload: any;
}

/** @param nameOf the file name of an image by its id, where known */
export function describe(message: DescribableMessage, nameOf: (imageId: string) => string): string {
  const { payload } = message;
  const image = payload.imageId === undefined ? message.transaction : nameOf(payload.imageId);
  return `${String(message.offset).padStart(6)}  ${image.padEnd(18)} ${content(message)}`;
}

function content({ type, payload }: DescribableMessage): string {
  switch (type) {
    case 'ingest.v1m0.ImageAccepted':
      return `accepted  ${payload.mediaType} ${payload.width}×${payload.height}, for ${payload.services.join(', ')}`;
    case 'faceextract.v1m0.ExtractedFace':
      return `face      ${percent(payload.confidence)} at ${box(payload.box)}`;
    case 'ocr.v1m0.TextLine':
      return `text      ${percent(payload.confidence)} “${payload.text}”`;
    case 'barcode.v1m0.Barcode':
      return `${payload.label.toLowerCase().padEnd(9)} ${payload.text}`;
    case 'completion.v1m0.ServiceCompleted':
      return `done      ${payload.service}: ${payload.results} result${payload.results === 1 ? '' : 's'} in ${seconds(payload.duration)}`;
    case 'completion.v1m0.ServiceFailed':
      return `failed    ${payload.service}: ${payload.title}. ${payload.detail}`;
    case 'summary.v1m0.TransactionSummary':
      return (
        `summary   revision ${payload.revision}: ${payload.images.length} images, ${payload.faces.length} faces, ` +
        `${payload.text.length} lines of text, ${payload.barcodes.length} codes`
      );
    default:
      return `${type} ${JSON.stringify(payload)}`;
  }
}

/** @param duration protobuf's JSON of a Duration: "1.500s" */
function seconds(duration: string): string {
  return `${Number.parseFloat(duration).toFixed(2)} s`;
}

function percent(confidence: number): string {
  return `${Math.round(confidence * 100)} %`;
}

function box({ x, y, width, height }: { x: number; y: number; width: number; height: number }): string {
  return `${Math.round(x)},${Math.round(y)} size ${Math.round(width)}×${Math.round(height)}`;
}
