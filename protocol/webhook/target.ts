/** Checks the URL of a webhook before anything is sent: its form, and its host where that is a literal address. */
import { isIP } from 'node:net';
import { addressKind } from './address.ts';

export interface TargetPolicy {
  /** Development only: https and http to 127.0.0.0/8 and ::1. */
  readonly allowLoopback: boolean;
}

/** A webhook may not lead there. The message is for the client and says nothing that it does not know. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused';
}

const MAX_LENGTH = 2048;

/** @throws {TargetRefused} */
export function checkTarget(text: string, policy: TargetPolicy): URL {
  if (text.length > MAX_LENGTH) throw new TargetRefused(`the URL is longer than ${MAX_LENGTH} characters`);
  if (!URL.canParse(text)) throw new TargetRefused('this is not a URL');
  const url = new URL(text);
  const host = hostOf(url);
  const loopback = policy.allowLoopback && (host === 'localhost' || kindOf(host) === 'loopback');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback))
    throw new TargetRefused('the URL must begin with https://');
  if (url.username !== '' || url.password !== '') throw new TargetRefused('the URL may not hold a user or password');
  if (url.hash !== '') throw new TargetRefused('the URL may not hold a fragment');
  checkHost(host, policy);
  return url;
}

/** Refuses literal addresses that are not public; names pass, since only their addresses can tell. @throws {TargetRefused} */
export function checkHost(host: string, policy: TargetPolicy): void {
  const kind = kindOf(host);
  if (kind !== undefined) checkKind(kind, policy);
}

/** @throws {TargetRefused} */
export function checkAddress(address: string | undefined, policy: TargetPolicy): void {
  checkKind(address === undefined ? 'refused' : addressKind(address), policy);
}

function checkKind(kind: 'public' | 'loopback' | 'refused', policy: TargetPolicy): void {
  if (kind === 'refused' || (kind === 'loopback' && !policy.allowLoopback))
    throw new TargetRefused('the host is not a public address');
}

/** The host as the URL standard has it, which has turned 2130706433, 0x7f.1 and their like into dotted form. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function kindOf(host: string): 'public' | 'loopback' | 'refused' | undefined {
  return isIP(host) === 0 ? undefined : addressKind(host);
}
