/**
 * Connects to webhooks and to nothing else: an undici connector that lets no connection come about to an address that is
 * not public.
 *
 * Three looks, since each alone can be got round: at a literal host (undici and Node never ask `lookup` for those), at every
 * address that the name resolves to (a name with one public and one private address is refused whole), and at the peer of
 * the socket that came about, before a byte of a request is written to it. The name is resolved for each connection and the address that
 * was checked is the one that is connected to, so rebinding the name gains nothing.
 */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { getCACertificates } from 'node:tls';
import { buildConnector } from 'undici';
import { checkAddress, checkHost, type TargetPolicy } from './target.ts';

export interface ConnectOptions extends TargetPolicy {
  readonly connectTimeoutMs: number;
  /** PEM. Further authorities to trust, in addition to the well-known ones. */
  readonly ca?: readonly string[];
  /** PEM. Our own certificate, for receivers that ask for one. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string };
}

type Resolve = (
  host: string,
  done: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

const resolveAll: Resolve = (host, done) => dnsLookup(host, { all: true }, (error, found) => done(error, found ?? []));

/** @param resolve for tests: how names become addresses */
export function publicConnector(options: ConnectOptions, resolve: Resolve = resolveAll): buildConnector.connector {
  const { ca, clientCertificate } = options;
  const connect = buildConnector({
    timeout: options.connectTimeoutMs,
    lookup: checkedLookup(options, resolve),
    // Alone they would stand in place of the well-known ones.
    ...(ca !== undefined && { ca: [...getCACertificates('default'), ...ca] }),
    ...clientCertificate,
  } as buildConnector.BuildOptions);
  return (target, callback) => {
    try {
      checkHost(target.hostname.replace(/^\[|\]$/g, ''), options);
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    connect(target, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      try {
        checkAddress(socket.remoteAddress, options);
      } catch (refused) {
        socket.destroy();
        return callback(refused as Error, null);
      }
      callback(null, socket);
    });
  };
}

function checkedLookup(policy: TargetPolicy, resolve: Resolve): LookupFunction {
  return (host, options, callback) => {
    resolve(host, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      try {
        for (const { address } of addresses) checkAddress(address, policy);
        const [first] = addresses;
        if (first === undefined) throw Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' });
        if (options.all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      } catch (refused) {
        callback(refused as NodeJS.ErrnoException, '', 0);
      }
    });
  };
}
