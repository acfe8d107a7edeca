/** Settings of the identity role: the authentication and the authorisation service. */
import { type Static, Type } from 'typebox';

const ExternalIssuer = Type.Object(
  {
    issuer: Type.String({ description: 'The claim `iss` of its tokens, exactly' }),
    jwksUri: Type.String({ description: 'Where its public keys are' }),
    audience: Type.String({ description: 'The claim `aud` that its tokens for Sluice carry' }),
    clientClaim: Type.String({ default: 'sub', description: 'The claim that names the registered client' }),
  },
  { additionalProperties: false },
);
export type ExternalIssuer = Static<typeof ExternalIssuer>;

export const IdentityConfig = Type.Object(
  {
    services: Type.Array(Type.Enum(['authentication', 'authorisation']), {
      default: ['authentication', 'authorisation'],
      minItems: 1,
      description: 'Which of the two this process runs',
    }),
    issuer: Type.String({
      default: '',
      description:
        'Public base URL, as clients see it; by default the address that a request came to, which is for development',
    }),
    externalIssuers: Type.Array(ExternalIssuer, {
      default: [],
      description: 'Other issuers whose tokens can be exchanged; in the config file only',
    }),
    authenticationTtlMs: Type.Integer({
      default: 600_000,
      minimum: 1000,
      description: 'Longest life of an authentication token',
    }),
    authorisationTtlMs: Type.Integer({
      default: 900_000,
      minimum: 1000,
      description: 'Longest life of an authorisation token',
    }),
    degradedTtlMs: Type.Integer({
      default: 120_000,
      minimum: 1000,
      description: 'Longest life of an authorisation token that is issued while the identity store is away',
    }),
    requestsPerMinute: Type.Integer({
      default: 120,
      minimum: 1,
      description: 'Token requests of one address in a minute; more are answered 429',
    }),
  },
  { default: {}, additionalProperties: false, description: 'Who clients are, and what they may do' },
);
export type IdentityConfig = Static<typeof IdentityConfig>;
