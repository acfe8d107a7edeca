/** From a record of results-1 to what push does with it: decode, check the token, find the grant. */
import { findGrant } from '../../protocol/claims/grant.ts';
import { type Claims, TokenError } from '../../protocol/claims/token.ts';
import { EnvelopeError, type Event, payloadJson, unpackEvent } from '../../protocol/envelope.ts';
import type { LogRecord } from '../../protocol/log/log.ts';
import { PUSH_SERVICE, PUSH_VERSION, readPushGrant, wantsType } from '../../protocol/webhook/grant.ts';
import { checkTarget, type TargetPolicy, TargetRefused } from '../../protocol/webhook/target.ts';
import { type Endpoint, endpointKey } from '../endpoint.ts';

export type RecordReading =
  | { readonly kind: 'pushed'; readonly event: Event; readonly endpoint: Endpoint; readonly payload: string }
  /** A sound message that nobody wants pushed. */
  | { readonly kind: 'unpushed'; readonly client: string }
  /** A grant that leads to nowhere that may be pushed to. */
  | { readonly kind: 'refused'; readonly client: string; readonly detail: string }
  /** Not a message of its client: the firehose sets it aside as a dead letter. */
  | { readonly kind: 'unsound'; readonly detail: string };

/** Says what is in a token, whatever the time. @throws {TokenError} it is none of ours */
export type OpenToken = (token: string) => Promise<Claims> | Claims;

/** What is told about webhooks on the firehose is not pushed through them. */
const OWN_PACKAGE = 'push.';

export async function readRecord(
  record: LogRecord,
  openToken: OpenToken,
  policy: TargetPolicy,
): Promise<RecordReading> {
  try {
    const event = unpackEvent(record.value);
    if (event.client !== record.key) return unsound(`the envelope speaks of another client than the record's key`);
    const claims = await openToken(event.token);
    if (claims.client !== event.client) return unsound('the token belongs to another client than the message');
    return read(record.partition, event, claims, policy);
  } catch (error) {
    if (error instanceof EnvelopeError || error instanceof TokenError) return unsound(error.message);
    throw error;
  }
}

function read(partition: number, event: Event, claims: Claims, policy: TargetPolicy): RecordReading {
  const { client, token } = event;
  const configuration = findGrant(claims.grants, PUSH_SERVICE, PUSH_VERSION);
  if (configuration === undefined || event.type.startsWith(OWN_PACKAGE)) return { kind: 'unpushed', client };
  const grant = readPushGrant(configuration);
  // The grant of a client that may push but has no webhook says nothing.
  if (grant === undefined)
    return Object.keys(configuration).length === 0
      ? { kind: 'unpushed', client }
      : { kind: 'refused', client, detail: 'the configuration of push-1 is not understood' };
  if (!wantsType(grant.types, event.type)) return { kind: 'unpushed', client };
  try {
    checkTarget(grant.url, policy);
  } catch (error) {
    if (error instanceof TargetRefused) return { kind: 'refused', client, detail: error.message };
    throw error;
  }
  const key = endpointKey(client, grant.url);
  const endpoint = { key, partition, client, grant, token, issuedAt: claims.issuedAt };
  return { kind: 'pushed', event, endpoint, payload: JSON.stringify(payloadJson(event)) };
}

function unsound(detail: string): RecordReading {
  return { kind: 'unsound', detail };
}
