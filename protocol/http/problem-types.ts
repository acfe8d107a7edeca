/**
 * Every problem type (RFC 9457) that Sluice answers with: the closed set that docs and OpenAPI are made from.
 *
 * The URI of a type is `/problems/<key>`, relative to the server that sent it, and it is served there.
 */

export interface ProblemType {
  readonly status: number;
  readonly title: string;
  /** What the reader of the page can do about it. */
  readonly advice: string;
}

export const PROBLEM_TYPES = {
  'invalid-request': {
    status: 400,
    title: 'The request is not well-formed',
    advice: 'The member `errors` names each field, what is wrong with it and what would be accepted.',
  },
  unauthenticated: {
    status: 401,
    title: 'A valid token is required',
    advice: 'Send `Authorization: Bearer <token>`. Tokens expire: get a new one.',
  },
  'not-granted': {
    status: 403,
    title: 'The token does not grant this',
    advice: 'The member `required` names the grant that is missing. Ask for a token that carries it.',
  },
  'not-found': { status: 404, title: 'There is nothing here', advice: 'Check the path and the identifiers in it.' },
  'method-not-allowed': {
    status: 405,
    title: 'The method is not allowed here',
    advice: 'The Allow header names the methods that are.',
  },
  'not-acceptable': {
    status: 406,
    title: 'None of the accepted media types is offered',
    advice: 'The member `accepted` lists the media types that are.',
  },
  'request-timeout': {
    status: 408,
    title: 'The request did not come in time',
    advice: 'Send the whole request without pauses; over a slow connection send less in one request.',
  },
  'consumer-conflict': {
    status: 409,
    title: 'The consumer is not in the state that the request takes for granted',
    advice: 'The detail says what it is. Read the consumer and decide anew.',
  },
  'wrong-epoch': {
    status: 409,
    title: 'The position belongs to another epoch',
    advice:
      'The log was recreated since: offsets of the old epoch mean nothing in the new one. The member `epoch` names it; start from "earliest".',
  },
  'offset-retired': {
    status: 410,
    title: 'The position has been retired',
    advice:
      'Messages past it are gone. The member `earliest` is the first that is held: start there, or ask with on_gap "earliest".',
  },
  'digest-mismatch': {
    status: 400,
    title: 'The content did not arrive as it was sent',
    advice: 'Content-Digest does not fit the content. Nothing was accepted: send it again.',
  },
  'idempotency-required': {
    status: 403,
    title: 'The token is good only for work that can be repeated',
    advice: 'It was issued while clients could not be looked up. Send an Idempotency-Key, or get a new token later.',
  },
  'idempotency-conflict': {
    status: 409,
    title: 'The idempotency key stands for other content',
    advice: 'A key names one submission for good. Use another key for other content.',
  },
  'idempotency-in-progress': {
    status: 409,
    title: 'The same submission is being taken in',
    advice: 'Another request with this key has not been answered yet. Repeat after as long as Retry-After says.',
  },
  'payload-too-large': {
    status: 413,
    title: 'The content is too large',
    advice: 'The member `limit` gives the most that is accepted, in bytes.',
  },
  'headers-too-large': {
    status: 431,
    title: 'The headers are too large',
    advice: 'Path and headers together may have 16 KiB. Send fewer or shorter ones.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The media type is not accepted',
    advice: 'The member `accepted` lists the media types that are.',
  },
  'offset-ahead': {
    status: 416,
    title: 'The position lies in the future',
    advice:
      'No message of this client has that offset yet: the position is not from here. The member `latest` is the last one.',
  },
  'invalid-image': {
    status: 422,
    title: 'The content is not an image that can be read',
    advice: 'Send a complete JPEG, PNG, WebP, AVIF, TIFF or GIF.',
  },
  'image-too-large': {
    status: 422,
    title: 'The image has too many pixels',
    advice: 'The member `limit` gives the most that is accepted, in pixels. Scale the image down.',
  },
  'webhook-not-verified': {
    status: 422,
    title: 'The URL does not consent to being pushed to',
    advice:
      'Answer OPTIONS at that URL with 2xx and the header WebHook-Allowed-Origin, naming what WebHook-Request-Origin said or *.',
  },
  'rate-limited': {
    status: 429,
    title: 'Too many requests from this client',
    advice: 'Wait for as long as Retry-After says.',
  },
  'invalid-grant-configuration': {
    status: 422,
    title: 'The service does not understand its configuration in the token',
    advice: 'The detail says what it refuses. Ask for a token whose grant says something else to this service.',
  },
  'analysis-failed': {
    status: 500,
    title: 'A service could not analyse the image',
    advice: 'It was tried several times and set aside for an operator. Other services are not affected.',
  },
  'analysis-timeout': {
    status: 500,
    title: 'A service took too long over the image',
    advice: 'It was tried several times and set aside for an operator. A smaller image may pass.',
  },
  'analysis-crashed': {
    status: 500,
    title: 'A service went down over the image',
    advice: 'It was tried several times and set aside for an operator. Other services are not affected.',
  },
  'image-lost': {
    status: 500,
    title: 'The stored image is gone or damaged',
    advice: 'The image was set aside for an operator. Submit it again.',
  },
  'result-too-large': {
    status: 500,
    title: 'A result is larger than the log takes',
    advice: 'The image was set aside for an operator. An image that shows less may pass.',
  },
  'poisoned-message': {
    status: 500,
    title: 'A message could not be read',
    advice: 'It was set aside for an operator. Clients do not see this.',
  },
  'internal-error': {
    status: 500,
    title: 'Something went wrong on our side',
    advice: 'Nothing was accepted. Repeat later and quote the member `request` if it goes on.',
  },
  overloaded: {
    status: 503,
    title: 'More is waiting than can be worked on in time',
    advice:
      'Nothing was accepted. Retry-After says when there should be room again; `waiting_for` names what is behind.',
  },
  unavailable: {
    status: 503,
    title: 'The service cannot take this now',
    advice: 'Nothing was accepted. Repeat after as long as Retry-After says.',
  },
} as const satisfies Readonly<Record<string, ProblemType>>;

export type ProblemKey = keyof typeof PROBLEM_TYPES;

export function problemUri(key: ProblemKey): string {
  return `/problems/${key}`;
}
