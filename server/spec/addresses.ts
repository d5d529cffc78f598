/** IP addresses and subnets, to compare them. Undefined stands for a text that is none. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Family = 4 | 6;
export type Subnet = { family: Family; first: Address; last: Address; prefix: number };

/** `ipaddr.js` alone would also take `1.2`, octal numbers and zone ids, so Node decides first what an address is. */
export function toAddress(text: string): Address | undefined {
  if (isIP(text) === 0 || text.includes('%')) return undefined;
  // The library reads ::1.2.3.4 as ::ffff:1.2.3.4, unless a zero comes first.
  return ipaddr.parse(text.replace(/^::(?=[^:]+\.)/, '0::'));
}

/** Takes an address inside the subnet, too: `hasHostBits` tells. */
export function toSubnet(text: string): (Subnet & { hasHostBits: boolean }) | undefined {
  const [, ip = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = toAddress(ip);
  const prefix = Number(length);
  if (!address || prefix > (isIPv4(address) ? 32 : 128)) return undefined;
  const cidr = `${address}/${prefix}`;
  const kind = isIPv4(address) ? ipaddr.IPv4 : ipaddr.IPv6;
  const first = kind.networkAddressFromCIDR(cidr);
  const last = kind.broadcastAddressFromCIDR(cidr);
  return { family: familyOf(address), first, last, prefix, hasHostBits: !isSameAddress(first, address) };
}

function isIPv4(address: Address): address is ipaddr.IPv4 {
  return address.kind() === 'ipv4';
}

export function familyOf(address: Address): Family {
  return isIPv4(address) ? 4 : 6;
}

/** 0.0.0.0 or ::, which stand for every address of their family. */
export function isUnspecified(address: Address): boolean {
  return address.toByteArray().every((byte) => byte === 0);
}

/** However it was written: an IPv4 address inside IPv6 stays IPv6. */
export function isSameAddress(a: Address, b: Address): boolean {
  return a.kind() === b.kind() && a.toNormalizedString() === b.toNormalizedString();
}

export function contains(subnet: Subnet, address: Address): boolean {
  return familyOf(address) === subnet.family && address.match(subnet.first, subnet.prefix);
}

export function containsSubnet(outer: Subnet, inner: Subnet): boolean {
  return inner.prefix >= outer.prefix && contains(outer, inner.first);
}
