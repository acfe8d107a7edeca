/**
 * Asks a URL whether it wants to be pushed to, before anything is: the validation of HTTP 1.1 Web Hooks for Event Delivery
 * (CloudEvents), so that nobody can have a stranger's server flooded.
 *
 * `OPTIONS <url>` with `WebHook-Request-Origin`; consent is a 2xx whose `WebHook-Allowed-Origin` names that origin or `*`.
 * `WebHook-Allowed-Rate` (requests per minute) may bound what comes.
 */
import { Client } from 'undici';
import { type ConnectOptions, publicConnector } from '../../protocol/webhook/connect.ts';
import { TargetRefused } from '../../protocol/webhook/target.ts';

export interface HandshakeRequest {
  readonly url: URL;
  readonly origin: string;
  /** Requests per second wanted; 0 for no limit. */
  readonly rate: number;
  readonly timeoutMs: number;
}

/** The URL did not consent. The message is for the client, about its own server only. */
export class HandshakeRefused extends Error {
  override readonly name = 'HandshakeRefused';
}

const MAX_ANSWER_BYTES = 16_384;

/** @returns the requests per second that the receiver allows; 0 for no limit @throws {HandshakeRefused} */
export async function handshake(request: HandshakeRequest, connect: ConnectOptions): Promise<number> {
  const { url, origin, rate, timeoutMs } = request;
  const client = new Client(url.origin, {
    connect: publicConnector(connect),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: MAX_ANSWER_BYTES,
    maxResponseSize: MAX_ANSWER_BYTES,
  });
  try {
    const { statusCode, headers, body } = await client.request({
      method: 'OPTIONS',
      path: url.pathname + url.search,
      headers: {
        'webhook-request-origin': origin,
        ...(rate > 0 && { 'webhook-request-rate': String(Math.max(1, Math.round(rate * 60))) }),
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    body.on('error', () => {}).destroy();
    return consent(origin, statusCode, headers);
  } catch (error) {
    if (error instanceof HandshakeRefused) throw error;
    throw new HandshakeRefused(reason(error), { cause: error });
  } finally {
    await client.destroy();
  }
}

function consent(origin: string, status: number, headers: Record<string, string | string[] | undefined>): number {
  if (status < 200 || status > 299)
    throw new HandshakeRefused(`the URL answered OPTIONS with ${status}; a status of 2xx is needed`);
  const allowed = headers['webhook-allowed-origin'];
  if (allowed === undefined)
    throw new HandshakeRefused("the URL's answer to OPTIONS has no header WebHook-Allowed-Origin");
  if (allowed !== '*' && String(allowed).toLowerCase() !== origin.toLowerCase())
    throw new HandshakeRefused(`the URL's answer to OPTIONS allows another origin than '${origin}'`);
  const rate = Number(headers['webhook-allowed-rate'] ?? 0);
  return Number.isFinite(rate) && rate > 0 ? rate / 60 : 0;
}

function reason(error: unknown): string {
  if (error instanceof TargetRefused) return error.message;
  const { name, code } = error as { name?: string; code?: string };
  if (name === 'TimeoutError' || code?.includes('TIMEOUT')) return 'the URL did not answer OPTIONS in time';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the host of the URL does not resolve';
  if (code === 'ECONNREFUSED') return 'the host of the URL refuses connections';
  if (code !== undefined && /CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|EPROTO|UNABLE_TO/.test(code))
    return `the certificate of the URL is not trusted (${code})`;
  return 'the URL cannot be reached';
}
