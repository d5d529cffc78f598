/** IP addresses and subnets as numbers, to compare them. Undefined: not understood. */
import { isIP } from 'node:net';

export type Address = { family: 4 | 6; bits: bigint };
/** IPv4; `hasHostBits`: the text named an address inside the subnet rather than the subnet itself. */
export type Subnet = { first: bigint; last: bigint; prefix: number; hasHostBits: boolean };

export function toAddress(text: string): Address | undefined {
  const family = isIP(text);
  if (family === 4) return { family, bits: fromParts(text.split('.').map(Number), 8n) };
  if (family !== 6 || text.includes('%')) return undefined;
  return { family, bits: fromParts(toGroups(text), 16n) };
}

function fromParts(parts: number[], width: bigint): bigint {
  return parts.reduce((bits, part) => (bits << width) | BigInt(part), 0n);
}

/** The eight groups of an IPv6 address that `isIP` has accepted. */
function toGroups(text: string): number[] {
  const dotted = /[^:]*\.[^:]*$/.exec(text)?.[0];
  const bits = dotted ? Number(toAddress(dotted)?.bits ?? 0n) : 0;
  const tail = dotted ? `${Math.floor(bits / 65536).toString(16)}:${(bits % 65536).toString(16)}` : '';
  const plain = dotted ? text.slice(0, -dotted.length) + tail : text;
  const [left = [], right] = plain.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const missing = right ? 8 - left.length - right.length : 0;
  return [...left, ...Array<string>(missing).fill('0'), ...(right ?? [])].map((group) => Number.parseInt(group, 16));
}

export function toSubnet(text: string): Subnet | undefined {
  const match = /^([^/]+)\/(\d{1,2})$/.exec(text);
  const address = match?.[1] === undefined ? undefined : toAddress(match[1]);
  const prefix = Number(match?.[2]);
  if (address?.family !== 4 || prefix > 32) return undefined;
  const size = 1n << BigInt(32 - prefix);
  const first = (address.bits / size) * size;
  return { first, last: first + size - 1n, prefix, hasHostBits: first !== address.bits };
}
