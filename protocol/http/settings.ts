/** How long the HTTP edge waits for its clients. */
import { type Static, Type } from 'typebox';

export const HttpSettings = Type.Object(
  {
    headersTimeoutMs: Type.Integer({
      default: 10_000,
      minimum: 100,
      description: 'How long the headers of a request, or a TLS handshake, may take to arrive; later: 408',
    }),
    requestTimeoutMs: Type.Integer({
      default: 120_000,
      minimum: 100,
      description: 'How long a request may take to arrive whole; later: 408. Not shorter than headersTimeoutMs',
    }),
    idleTimeoutMs: Type.Integer({
      default: 72_000,
      minimum: 100,
      description: 'A connection with no request is closed after so long; longer than a load balancer keeps it open',
    }),
  },
  { default: {}, additionalProperties: false, description: 'How long the HTTP edge waits for its clients' },
);
export type HttpSettings = Static<typeof HttpSettings>;
