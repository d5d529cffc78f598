/** Pure: which subnets a network may have. With a public one, the host's own traffic to that subnet ends in the network. */
import { BlockList, isIP } from 'node:net';

/** Private, shared (RFC 6598), for benchmarks (RFC 2544), and local in IPv6. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '198.18.0.0/15', 'fc00::/7'];

export function isPrivateSubnet(text: string): boolean {
  const subnet = parse(text);
  return subnet !== undefined && PRIVATE.some((range) => contains(range, subnet));
}

type Subnet = { address: string; prefix: number; family: 'ipv4' | 'ipv6' };

function parse(text: string): Subnet | undefined {
  const [address = '', prefix = ''] = text.split('/');
  const version = isIP(address);
  if (version === 0 || !/^\d{1,3}$/.test(prefix)) return undefined;
  return { address, prefix: Number(prefix), family: version === 4 ? 'ipv4' : 'ipv6' };
}

function contains(range: string, { address, prefix, family }: Subnet): boolean {
  const outer = parse(range);
  if (outer?.family !== family || prefix < outer.prefix) return false;
  const list = new BlockList();
  list.addSubnet(outer.address, outer.prefix, family);
  return list.check(address, family);
}
