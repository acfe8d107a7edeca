/**
 * Which IP addresses a webhook may lead to.
 *
 * An allow-list: only what is globally routed unicast. Private, link-local (cloud metadata), carrier-grade NAT, multicast,
 * reserved and tunnelled ranges are refused, as are IPv6 forms that carry an IPv4 address inside.
 */
import ipaddr from 'ipaddr.js';

export type AddressKind = 'public' | 'loopback' | 'refused';

/** Public by number, but answered by the cloud's own infrastructure on the host. */
const INFRASTRUCTURE = new Set(['168.63.129.16']);
const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** @param address an IP address as sockets and resolvers give it; a zone (`%eth0`) makes it refused */
export function addressKind(address: string): AddressKind {
  if (!ipaddr.isValid(address) || address.includes('%')) return 'refused';
  // 127.0.0.1 is 127.0.0.1 however it is wrapped: ::ffff:127.0.0.1 reaches the same socket.
  const parsed = ipaddr.process(address);
  const range: string = parsed.range();
  if (range === 'loopback') return 'loopback';
  if (range !== 'unicast' || INFRASTRUCTURE.has(parsed.toString())) return 'refused';
  if (parsed instanceof ipaddr.IPv6 && !parsed.match(GLOBAL_UNICAST_V6)) return 'refused';
  return 'public';
}
