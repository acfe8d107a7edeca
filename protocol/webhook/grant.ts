/**
 * The grant `push-1`: what a client's webhook becomes in its tokens, and what push reads from them.
 *
 * The token in a message's envelope decides where the message is pushed to, never a request. The secrets stay sealed in it.
 */
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { GrantConfiguration, ServiceVersion } from '../claims/grant.ts';
import { Timestamp } from '../generated/google/protobuf/timestamp_pb.js';
import { Mode, type Webhook } from '../generated/push/v1m0/push_pb.js';

export const PUSH_SERVICE = 'push';
export const PUSH_VERSION: ServiceVersion = { major: 1, minor: 0 };
export const PUSH_GRANT = 'push-1';

/** An event type by its full name, or all types of a package: `ocr.v1m0.TextLine`, `ocr.*`. */
export const EVENT_TYPE_PATTERN = '^[a-z][a-z0-9]*(\\.[A-Za-z0-9]+)*(\\.\\*)?$';

const PushGrant = Type.Object(
  {
    url: Type.String(),
    types: Type.Array(Type.String({ pattern: EVENT_TYPE_PATTERN })),
    mode: Type.Enum(['full', 'batch', 'thin']),
    rate: Type.Number({ minimum: 0 }),
    verified: Type.Number(),
    secrets: Type.Array(
      Type.Object({ sealed: Type.String(), retires: Type.Optional(Type.Number()) }, { additionalProperties: false }),
      { minItems: 1, maxItems: 4 },
    ),
  },
  // A later release may say more to its own push; what this one knows must be right.
  { additionalProperties: true },
);
/** `types`: empty for all. `rate`: requests per second, 0 for no limit. `verified`, `retires`: ms since the epoch. */
export type PushGrant = Static<typeof PushGrant>;
export type PushMode = PushGrant['mode'];

const validator = Compile(PushGrant);

const MODES: ReadonlyMap<Mode, PushMode> = new Map([
  [Mode.UNSPECIFIED, 'full'],
  [Mode.FULL, 'full'],
  [Mode.BATCH, 'batch'],
  [Mode.THIN, 'thin'],
]);

/** The configuration to mint under `push-1` for a client that has this webhook. @param now ms since the epoch */
export function pushGrant(webhook: Webhook, now: number): GrantConfiguration {
  const secrets = webhook.secrets.map(({ sealed, retires }) => ({
    sealed,
    ...(retires !== undefined && { retires: Timestamp.toDate(retires).getTime() }),
  }));
  return {
    url: webhook.url,
    types: webhook.types,
    mode: modeName(webhook.mode),
    rate: webhook.maxRate,
    verified: webhook.verified === undefined ? 0 : Timestamp.toDate(webhook.verified).getTime(),
    secrets: secrets.filter(({ retires }) => retires === undefined || retires > now),
  } satisfies PushGrant;
}

/** @returns undefined where the configuration is not what `pushGrant` makes: then there is nowhere to push to */
export function readPushGrant(configuration: GrantConfiguration): PushGrant | undefined {
  return validator.Check(configuration) ? (configuration as PushGrant) : undefined;
}

export function modeName(mode: Mode): PushMode {
  return MODES.get(mode) ?? 'full';
}

export function modeNamed(name: PushMode): Mode {
  return { full: Mode.FULL, batch: Mode.BATCH, thin: Mode.THIN }[name];
}

/** Whether a webhook wants events of this type. @param types as in PushGrant */
export function wantsType(types: readonly string[], type: string): boolean {
  if (types.length === 0) return true;
  return types.some((wanted) => (wanted.endsWith('.*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted));
}
