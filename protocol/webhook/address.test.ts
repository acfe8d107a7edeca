import { expect, test } from 'vitest';
import { addressKind } from './address.ts';

test.each([
  ['93.184.215.14', 'public'],
  ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', 'public'],
  ['127.0.0.1', 'loopback'],
  ['127.8.9.10', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['10.1.2.3', 'refused'],
  ['172.16.0.1', 'refused'],
  ['192.168.1.1', 'refused'],
  ['169.254.169.254', 'refused'],
  ['168.63.129.16', 'refused'],
  ['100.100.100.200', 'refused'],
  ['0.0.0.0', 'refused'],
  ['255.255.255.255', 'refused'],
  ['224.0.0.1', 'refused'],
  ['198.18.0.1', 'refused'],
  ['::', 'refused'],
  ['fe80::1', 'refused'],
  ['fe80::1%eth0', 'refused'],
  ['fd00:ec2::254', 'refused'],
  ['::ffff:10.0.0.1', 'refused'],
  ['::ffff:169.254.169.254', 'refused'],
  ['64:ff9b::a00:1', 'refused'],
  ['2002:a00:1::', 'refused'],
  ['2001:0:a00:1::', 'refused'],
  // IPv4-compatible, long deprecated: no range of its own, but not global unicast either.
  ['::10.0.0.1', 'refused'],
  ['::7f00:1', 'refused'],
  ['not an address', 'refused'],
  ['', 'refused'],
])('%s is %s', (address, kind) => {
  expect(addressKind(address)).toBe(kind);
});
