/** Turns a request's bearer token into claims, or into the right problem. */
import type { IncomingHttpHeaders } from 'node:http';
import { findGrant, type GrantConfiguration, type ServiceVersion } from '../claims/grant.ts';
import { type Claims, TokenError } from '../claims/token.ts';
import type { TokenVerifier } from '../claims/verifier.ts';
import { Problem } from './problem.ts';

export interface Caller {
  readonly claims: Claims;
  /** What the token says to the service that asked. */
  readonly configuration: GrantConfiguration;
  /** The token itself, to travel on in envelopes. */
  readonly token: string;
}

/** @throws {Problem} unauthenticated or not-granted */
export async function authorise(
  headers: IncomingHttpHeaders,
  verifier: TokenVerifier,
  required: { readonly service: string; readonly version: ServiceVersion },
  now: number,
): Promise<Caller> {
  const token = bearerToken(headers);
  const claims = await verified(verifier, token, now);
  const configuration = findGrant(claims.grants, required.service, required.version);
  if (configuration === undefined) {
    const grant = `${required.service}-${required.version.major}.${required.version.minor}`;
    throw new Problem('not-granted', `The token does not grant ${grant}.`, { members: { required: grant } });
  }
  return { claims, configuration, token };
}

function bearerToken(headers: IncomingHttpHeaders): string {
  const match = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(headers.authorization ?? '');
  if (match === null) throw new Problem('unauthenticated', 'Send the header Authorization: Bearer <token>.');
  return match[1]!;
}

async function verified(verifier: TokenVerifier, token: string, now: number): Promise<Claims> {
  try {
    return await verifier.verify(token, now);
  } catch (error) {
    if (error instanceof TokenError)
      throw new Problem('unauthenticated', `${sentence(error.message)}.`, { cause: error });
    throw error;
  }
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
