/**
 * To whom the token may go when a server sends the client on: whoever can answer the base URL must not be able to have the token
 * delivered anywhere, so a node is trusted by its host, not by being named.
 */

/**
 * Trusted are: the host of the base URL on any port, hosts below it (`node-0.sluice.example` for `sluice.example`), and what
 * `allowed` names: a host (`node-0.example`, on any port), a host with its port, or all hosts below one (`*.nodes.example`). Never a step
 * from HTTPS down to HTTP.
 *
 * @param base URL that was asked first
 * @param target where the answer sends to
 */
export function isTrustedNode(base: URL, target: URL, allowed: readonly string[]): boolean {
  if (target.protocol !== 'https:' && target.protocol !== 'http:') return false;
  if (base.protocol === 'https:' && target.protocol === 'http:') return false;
  if (target.hostname === base.hostname) return true;
  if (!isAddress(base.hostname) && target.hostname.endsWith(`.${base.hostname}`)) return true;
  return allowed.some((pattern) =>
    pattern.startsWith('*.')
      ? target.hostname.endsWith(pattern.slice(1).toLowerCase())
      : [target.hostname, target.host].includes(pattern.toLowerCase()),
  );
}

/** An address has no hosts below it. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^[\d.]+$/.test(hostname);
}
