/** The OAuth endpoints: `/oauth/token`, `/oauth/revoke`, `/oauth/jwks` and the metadata that names them (RFC 8414). */
import rateLimit from '@fastify/rate-limit';
import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import { publicJwks, type TokenKeys } from '../../protocol/claims/keys.ts';
import { LogUnavailableError } from '../../protocol/log/errors.ts';
import type { Log } from '../../protocol/log/log.ts';
import type { AuthenticationService, TokenAnswer } from './authentication-service.ts';
import { type AuthorisationService, EXCHANGE_GRANT } from './authorisation-service.ts';
import { ASSERTION_ALGORITHMS } from './client-assertion.ts';
import type { ClientAuthentication } from './client-authentication.ts';
import { FORM_MEDIA_TYPE, type Form, field, parseForm } from './form.ts';
import type { IdentityMetrics } from './metrics.ts';
import { OAuthError, sendOAuthError } from './oauth-error.ts';
import { revokeToken } from './revocation.ts';

export interface OAuthDependencies {
  readonly log: Log;
  readonly keys: () => TokenKeys;
  /** undefined where this process does not run it. */
  readonly authenticationService: AuthenticationService | undefined;
  readonly authorisationService: AuthorisationService | undefined;
  readonly clientAuthentication: ClientAuthentication;
  readonly metrics: IdentityMetrics;
  /** '': the address that the request came to. */
  readonly issuer: string;
  readonly requestsPerMinute: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const CLIENT_CREDENTIALS = 'client_credentials';
const MAX_FORM_BYTES = 32 << 10;
/** What an assertion may be for where no public address is configured. */
const DEVELOPMENT_AUDIENCE = 'sluice';

export function oauthRoutes(to: OAuthDependencies): FastifyPluginAsync {
  return async (server: FastifyInstance) => {
    server.get('/.well-known/oauth-authorization-server', { schema: about('Metadata (RFC 8414)') }, async (request) =>
      metadata(to, issuerOf(to, request)),
    );
    server.get(
      '/oauth/jwks',
      { schema: about('Public keys of authentication tokens (RFC 7517)') },
      async (_request, reply) =>
        reply.header('cache-control', 'public, max-age=60').send(await publicJwks(to.keys().authentication)),
    );
    await server.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(
        FORM_MEDIA_TYPE,
        { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
        (_request, body, done) => done(null, body),
      );
      // Requests are counted by address, and a connection that has broken off has none any more.
      scope.addHook('onRequest', async ({ ip }: { readonly ip?: string }) => {
        if (ip === undefined) throw new OAuthError('invalid_request', 'the request broke off');
      });
      await scope.register(rateLimit, {
        max: to.requestsPerMinute,
        timeWindow: 60_000,
        enableDraftSpec: true,
        errorResponseBuilder: (_request, { ttl }) =>
          new OAuthError('slow_down', 'too many requests from this address', {
            retryAfterSeconds: Math.ceil(ttl / 1000),
          }),
      });
      scope.setErrorHandler((error: FastifyError | OAuthError, request, reply) => {
        const known = asOAuthError(error);
        if (known.status >= 500) request.log.error({ err: error }, known.message);
        to.metrics.refused(known.code);
        return sendOAuthError(known, request, reply);
      });
      const form = (summary: string) => ({ schema: { summary, tags: ['oauth'], consumes: [FORM_MEDIA_TYPE] } });
      scope.post<{ Body: string | undefined }>(
        '/oauth/token',
        form('Get a token (RFC 6749, RFC 8693)'),
        async (request, reply) => {
          const answer = await issue(to, parseForm(request.body ?? ''), request);
          return reply.header('cache-control', 'no-store').send(answer);
        },
      );
      scope.post<{ Body: string | undefined }>(
        '/oauth/revoke',
        form('Revoke a token (RFC 7009)'),
        async (request, reply) => {
          const fields = parseForm(request.body ?? '');
          const { client } = await to.clientAuthentication.authenticate(
            fields,
            request.headers.authorization,
            audiencesOf(to),
            to.now(),
          );
          await revokeToken(to.log, to.keys(), client.clientId, field(fields, 'token'), to.now());
          return reply.code(200).header('cache-control', 'no-store').send({});
        },
      );
    });
  };
}

async function issue(to: OAuthDependencies, form: Form, request: FastifyRequest): Promise<TokenAnswer> {
  const grant = field(form, 'grant_type');
  if (grant === CLIENT_CREDENTIALS && to.authenticationService !== undefined) {
    const { authorization } = request.headers;
    const answer = await to.authenticationService.issue(form, authorization, audiencesOf(to), to.now());
    to.metrics.authenticated();
    return answer;
  }
  if (grant === EXCHANGE_GRANT && to.authorisationService !== undefined)
    return to.authorisationService.exchange(form, to.now());
  throw new OAuthError('unsupported_grant_type', `grant_type is ${grantTypes(to).join(' or ')}`);
}

function grantTypes({ authenticationService, authorisationService }: OAuthDependencies): string[] {
  return [
    ...(authenticationService === undefined ? [] : [CLIENT_CREDENTIALS]),
    ...(authorisationService === undefined ? [] : [EXCHANGE_GRANT]),
  ];
}

function metadata(to: OAuthDependencies, issuer: string) {
  const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];
  return {
    issuer,
    token_endpoint: `${issuer}/oauth/token`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    jwks_uri: `${issuer}/oauth/jwks`,
    grant_types_supported: grantTypes(to),
    response_types_supported: [],
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
  };
}

function issuerOf({ issuer }: OAuthDependencies, request: FastifyRequest): string {
  return issuer === '' ? `${request.protocol}://${request.host}` : issuer;
}

/** Never taken from the request: an assertion made for another service must not be made to fit by a Host header. */
function audiencesOf({ issuer }: OAuthDependencies): string[] {
  return issuer === '' ? [DEVELOPMENT_AUDIENCE] : [issuer, `${issuer}/oauth/token`, `${issuer}/oauth/revoke`];
}

function asOAuthError(error: FastifyError | OAuthError): OAuthError {
  if (error instanceof OAuthError) return error;
  if (error instanceof LogUnavailableError)
    return new OAuthError('temporarily_unavailable', 'the log does not acknowledge now', { retryAfterSeconds: 5 });
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new OAuthError('invalid_request', `send a form (${FORM_MEDIA_TYPE}) of at most ${MAX_FORM_BYTES} bytes`);
  return new OAuthError('temporarily_unavailable', 'the request could not be completed', { cause: error });
}

/** For the OpenAPI description. */
function about(summary: string): object {
  return { summary, tags: ['oauth'] };
}
