/** Settings of the opt-in to webhooks. */
import { type Static, Type } from 'typebox';

const HOUR = 3_600_000;

export const WebhookConfig = Type.Object(
  {
    allowLoopback: Type.Boolean({
      default: false,
      description: 'Development only: take http and https URLs on this machine; push.allowLoopback goes with it',
    }),
    origin: Type.String({
      default: 'sluice',
      description: 'What this deployment calls itself when it asks a URL for its consent (WebHook-Request-Origin)',
    }),
    handshakeTimeoutMs: Type.Integer({
      default: 10_000,
      minimum: 1,
      description: 'How long a URL may take to consent',
    }),
    secretOverlapMs: Type.Integer({
      default: 24 * HOUR,
      minimum: 0,
      description: 'How long the old secret signs beside the new one after a rotation',
    }),
  },
  { default: {}, additionalProperties: false, description: 'The opt-in to webhooks' },
);
export type WebhookConfig = Static<typeof WebhookConfig>;
