/**
 * The registry of clients: records on clients-1, one for each client, changed by operators.
 *
 * Every change reads the latest record and appends the whole new one. Operators are few: two changes of one client at the
 * same moment are not guarded against, the later one counts.
 */
import { createLocalJWKSet } from 'jose';
import { isClientId } from '../../protocol/claims/client-id.ts';
import { REVOKED_CLIENT_KEY } from '../../protocol/claims/client-records.ts';
import { type Grants, grantedService } from '../../protocol/claims/grant.ts';
import { MAX_TOKEN_LIFETIME_MS } from '../../protocol/claims/token.ts';
import { Client, Limits, Revocation } from '../../protocol/generated/client/v1m0/client_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import type { Log } from '../../protocol/log/log.ts';
import { readToEnd } from '../../protocol/log/read-to-end.ts';
import { CLIENTS_TOPIC } from '../../protocol/log/topics.ts';
import { hashSecret, newSecret } from './secret-hash.ts';

/** What was asked of the registry cannot be. The message is for the operator. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
}

export interface NewClient {
  readonly clientId: string;
  /** Pattern to configuration: the most that its tokens may grant. */
  readonly grants: Grants;
  /** JSON Web Key Set of the keys that it signs its assertions with; without it the client gets a secret. */
  readonly jwks?: string;
  readonly limits?: Partial<Limits>;
}

/** A client as operators see it: everything but its secrets' hashes. */
export interface ClientListing {
  readonly client: string;
  readonly grants: Grants;
  /** How it authenticates. */
  readonly methods: readonly ('secret' | 'private_key_jwt')[];
  readonly limits: Limits;
  /** RFC 3339; undefined where it is not. */
  readonly disabled: string | undefined;
  readonly created: string | undefined;
  readonly changed: string | undefined;
}

/**
 * Registers a client.
 * @returns its secret, which cannot be read again; undefined where it authenticates with keys
 * @throws {RegistryError} its id or keys cannot be one's, or there is such a client
 */
export async function addClient(log: Log, client: NewClient, now: number): Promise<string | undefined> {
  const { clientId, grants, jwks, limits } = client;
  if (!isClientId(clientId))
    throw new RegistryError(`'${clientId}' is not a client id: 1 to 128 letters, digits, '.', '_', '~' or '-'`);
  if ((await readClient(log, clientId)) !== undefined) throw new RegistryError(`client '${clientId}' is registered`);
  if (jwks !== undefined) checkJwks(jwks);
  const secret = jwks === undefined ? newSecret() : undefined;
  const time = timestamp(now);
  await writeClient(log, {
    clientId,
    secrets: secret === undefined ? [] : [{ hash: await hashSecret(secret), created: time }],
    jwks: jwks ?? '',
    grants: Object.entries(grants).map(([pattern, configuration]) => {
      grantedService(pattern);
      return { pattern, configuration: JSON.stringify(configuration) };
    }),
    limits: checkedLimits(limits ?? {}),
    created: time,
    changed: time,
  });
  return secret;
}

/** @throws {RegistryError} there is no such client, or a limit cannot be one */
export async function limitClient(log: Log, clientId: string, limits: Partial<Limits>, now: number): Promise<void> {
  const client = await requireClient(log, clientId);
  const changed = checkedLimits({ ...client.limits, ...limits });
  await writeClient(log, { ...client, limits: changed, changed: timestamp(now) });
}

/**
 * Locks a client out, tokens that it has already included, or lets it in again: then it needs new tokens.
 * @throws {RegistryError} there is no such client
 */
export async function disableClient(log: Log, clientId: string, disabled: boolean, now: number): Promise<void> {
  const { disabled: _before, ...client } = await requireClient(log, clientId);
  const time = timestamp(now);
  await writeClient(log, { ...client, changed: time, ...(disabled && { disabled: time }) });
  if (!disabled) return;
  const revocation = Revocation.create({
    subject: { oneofKind: 'clientId', clientId },
    time,
    expires: timestamp(now + MAX_TOKEN_LIFETIME_MS),
  });
  await log.produce(CLIENTS_TOPIC, [{ key: REVOKED_CLIENT_KEY + clientId, value: Revocation.toBinary(revocation) }]);
}

/** Every registered client, by id. */
export async function listClients(log: Log): Promise<ClientListing[]> {
  const clients = new Map<string, Client>();
  await readToEnd(log, CLIENTS_TOPIC, ({ key, value }) => {
    if (!isClientId(key)) return;
    if (value === null) clients.delete(key);
    else clients.set(key, Client.fromBinary(value));
  });
  return [...clients.values()].map(listing).sort((a, b) => (a.client < b.client ? -1 : 1));
}

/** @throws {RegistryError} there is no such client */
export async function showClient(log: Log, clientId: string): Promise<ClientListing> {
  return listing(await requireClient(log, clientId));
}

async function requireClient(log: Log, clientId: string): Promise<Client> {
  const client = await readClient(log, clientId);
  if (client === undefined) throw new RegistryError(`there is no client '${clientId}'`);
  return client;
}

async function readClient(log: Log, clientId: string): Promise<Client | undefined> {
  let latest: Buffer | null = null;
  await readToEnd(log, CLIENTS_TOPIC, ({ key, value }) => {
    if (key === clientId) latest = value;
  });
  return latest === null ? undefined : Client.fromBinary(latest);
}

async function writeClient(log: Log, client: Client): Promise<void> {
  await log.produce(CLIENTS_TOPIC, [{ key: client.clientId, value: Client.toBinary(client) }]);
}

function checkJwks(jwks: string): void {
  let keys: { d?: unknown; k?: unknown; kty?: unknown }[];
  try {
    const set = JSON.parse(jwks);
    createLocalJWKSet(set);
    keys = set.keys;
  } catch (cause) {
    throw new RegistryError('the keys are not a JSON Web Key Set', { cause });
  }
  if (keys.length === 0) throw new RegistryError('the key set holds no key');
  if (keys.some((key) => key.d !== undefined || key.k !== undefined || key.kty === 'oct'))
    throw new RegistryError('the key set holds a private or symmetric key: give only public ones');
}

function checkedLimits(limits: Partial<Limits>): Limits {
  const { requestsPerSecond = 0, requestsInFlight = 0 } = limits;
  if (!(requestsPerSecond >= 0 && Number.isFinite(requestsPerSecond)))
    throw new RegistryError('a number of requests per second is 0 (the default) or above');
  if (!(Number.isInteger(requestsInFlight) && requestsInFlight >= 0))
    throw new RegistryError('a number of requests in flight is 0 (the default) or a whole number above');
  return { requestsPerSecond, requestsInFlight };
}

function listing(client: Client): ClientListing {
  const rfc3339 = (time: Timestamp | undefined) => time && Timestamp.toDate(time).toISOString();
  const methods: ClientListing['methods'] = [
    ...(client.secrets.length > 0 ? (['secret'] as const) : []),
    ...(client.jwks !== '' ? (['private_key_jwt'] as const) : []),
  ];
  return {
    client: client.clientId,
    grants: Object.fromEntries(client.grants.map(({ pattern, configuration }) => [pattern, JSON.parse(configuration)])),
    methods,
    limits: client.limits ?? Limits.create(),
    disabled: rfc3339(client.disabled),
    created: rfc3339(client.created),
    changed: rfc3339(client.changed),
  };
}

function timestamp(time: number): Timestamp {
  return Timestamp.fromDate(new Date(time));
}
