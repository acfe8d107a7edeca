/**
 * Appends accepted images to the log: first to ingest-1, where the vision services find them, then the news of them to
 * results-1, where their client does. Resolves when both are durable, and only then may the client be told.
 */
import type { BlobStore } from '../../protocol/blob/blob-store.ts';
import { type EventContext, packEvent } from '../../protocol/envelope.ts';
import { ImageAccepted, IngestedImage } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import type { Log, ProduceRecord } from '../../protocol/log/log.ts';
import { INGEST_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { derivedMessageId } from '../../protocol/message-id.ts';
import type { ImageHeader } from '../images/image-header.ts';

export interface AcceptedImage extends ImageHeader {
  /** UUID; the message id of its IngestedImage. */
  readonly imageId: string;
  /** The file name that the sender gave; '' where it gave none. */
  readonly name: string;
  readonly content: Buffer;
  readonly sha256: Buffer;
}

export interface Submission {
  readonly context: EventContext;
  /** Names of the vision services that will describe the images, sorted. */
  readonly services: readonly string[];
  readonly images: readonly AcceptedImage[];
  /** When they were received, ms since the epoch: the moment by which the token is judged from here on. */
  readonly eventTime: number;
}

/** Where accepted images go. */
export interface ImageStores {
  readonly log: Log;
  readonly blobs: BlobStore;
  /** Larger images go to the blob store, and the log gets a claim check. */
  readonly inlineBytes: number;
}

/** @throws {LogUnavailableError} @throws {RecordTooLargeError} @throws {BlobUnavailableError} */
export async function appendSubmission(
  { log, blobs, inlineBytes }: ImageStores,
  submission: Submission,
): Promise<void> {
  const isLarge = (image: AcceptedImage) => image.content.byteLength > inlineBytes;
  // The blob before its event: whoever reads the event finds the blob.
  await Promise.all(submission.images.filter(isLarge).map(({ sha256, content }) => blobs.put(sha256, content)));
  await log.produce(
    INGEST_TOPIC,
    submission.images.map((image) => ingestRecord(submission, image, isLarge(image) ? blobs.name : undefined)),
  );
  await log.produce(
    RESULTS_TOPIC,
    submission.images.map((image) => acceptedRecord(submission, image)),
  );
}

/** @param store the blob store that holds the content; undefined where the record itself does */
function ingestRecord(
  { context, eventTime }: Submission,
  image: AcceptedImage,
  store: string | undefined,
): ProduceRecord {
  const { imageId, mediaType, width, height, sha256, content } = image;
  const message: IngestedImage = {
    imageId,
    mediaType,
    width,
    height,
    sha256,
    content:
      store === undefined
        ? { oneofKind: 'inline', inline: content }
        : { oneofKind: 'blob', blob: { store, size: content.byteLength } },
  };
  return {
    key: context.correlationId,
    value: packEvent(context, { messageId: imageId, eventTime, type: IngestedImage, message }),
  };
}

function acceptedRecord({ context, eventTime, services }: Submission, image: AcceptedImage): ProduceRecord {
  const { imageId, mediaType, width, height, name, content } = image;
  return {
    key: context.client,
    value: packEvent(context, {
      messageId: derivedMessageId(imageId, 'accepted'),
      eventTime,
      type: ImageAccepted,
      message: { imageId, mediaType, width, height, size: content.byteLength, name, services: [...services] },
    }),
  };
}
