/**
 * An authority of the test's own, and certificates by it that are sound, expired or another's: X.509 (RFC 5280) in DER, with P-256 keys and no more
 * than TLS asks for.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** @param host a name or an IPv4 address @param expires ms since the epoch */
  issue(host: string, expires: number): Certificate;
}

const DAY = 86_400_000;
const [SEQUENCE, SET, INTEGER, BITS, OCTETS, BOOLEAN] = [0x30, 0x31, 0x02, 0x03, 0x04, 0x01];
const [OID, UTF8, UTC_TIME, DNS_NAME, IP_ADDRESS] = [0x06, 0x0c, 0x17, 0x82, 0x87];
const EXPLICIT = 0xa0;
const ECDSA_WITH_SHA256 = der(SEQUENCE, der(OID, Buffer.from('2a8648ce3d040302', 'hex')));
const COMMON_NAME = der(OID, Buffer.from('550403', 'hex'));
const BASIC_CONSTRAINTS = der(OID, Buffer.from('551d13', 'hex'));
const SUBJECT_ALT_NAME = der(OID, Buffer.from('551d11', 'hex'));

export function newAuthority(name: string): Authority {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const begins = Date.now() - 30 * DAY;
  let serial = 0;
  const signed = (subject: string, publicKey: KeyObject, expires: number, extension: Buffer): string => {
    serial += 1;
    const version = der(EXPLICIT, der(INTEGER, Buffer.of(2)));
    const validity = der(SEQUENCE, utcTime(begins), utcTime(expires));
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    const extensions = der(EXPLICIT + 3, der(SEQUENCE, extension));
    const number = der(INTEGER, Buffer.of(serial));
    const about = [number, ECDSA_WITH_SHA256, nameOf(name), validity, nameOf(subject), spki];
    const body = der(SEQUENCE, version, ...about, extensions);
    const signature = sign('sha256', body, own.privateKey);
    return pem(der(SEQUENCE, body, ECDSA_WITH_SHA256, der(BITS, Buffer.of(0), signature)));
  };
  const isAuthority = der(SEQUENCE, der(BOOLEAN, Buffer.of(0xff)));
  const constraints = der(SEQUENCE, BASIC_CONSTRAINTS, der(BOOLEAN, Buffer.of(0xff)), der(OCTETS, isAuthority));
  return {
    certificate: signed(name, own.publicKey, Date.now() + DAY, constraints),
    issue(host, expires) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const alternative = isIPv4(host)
        ? der(IP_ADDRESS, Buffer.from(host.split('.').map(Number)))
        : der(DNS_NAME, Buffer.from(host));
      const extension = der(SEQUENCE, SUBJECT_ALT_NAME, der(OCTETS, der(SEQUENCE, alternative)));
      const key = String(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
      return { cert: signed(host, pair.publicKey, expires, extension), key };
    },
  };
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), content]);
}

function nameOf(text: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8, Buffer.from(text)))));
}

/** YYMMDDHHMMSSZ */
function utcTime(time: number): Buffer {
  const digits = new Date(time).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
