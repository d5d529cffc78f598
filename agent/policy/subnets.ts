/** Pure: which subnets a network may have. With a public one, the host's own traffic to that subnet ends in the network. */

/** Private, shared (RFC 6598), and for benchmarks (RFC 2544). */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '198.18.0.0/15'];
/** Of IPv6 those are local (RFC 4193) that begin with the seven bits of fc00::. */
const LOCAL_PREFIX = 7;

export function isPrivateSubnet(text: string): boolean {
  const [address = '', prefix = ''] = text.split('/');
  if (!/^\d{1,3}$/.test(prefix)) return false;
  if (address.includes(':')) return isLocal(address) && Number(prefix) >= LOCAL_PREFIX && Number(prefix) <= 128;
  const subnet = toRange(text);
  return subnet !== undefined && PRIVATE.some((range) => isWithin(subnet, toRange(range)));
}

const isLocal = (address: string) => /^f[cd][0-9a-f]{2}:[0-9a-f:.]*$/i.test(address);

type Range = { first: number; prefix: number };

function toRange(text: string): Range | undefined {
  const [, ...numbers] = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)?.map(Number) ?? [];
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = numbers;
  if ([a, b, c, d].some((part) => part > 255) || prefix > 32) return undefined;
  return { first: ((a * 256 + b) * 256 + c) * 256 + d, prefix };
}

function isWithin({ first, prefix }: Range, outer: Range | undefined): boolean {
  if (!outer || prefix < outer.prefix) return false;
  const size = 2 ** (32 - outer.prefix);
  return Math.floor(first / size) === Math.floor(outer.first / size);
}
