import { isIPv6 } from 'node:net';

/** Counts what is there at a time, by a key such as an address. */
export type Presence = {
  of(key: string): number;
  /** @returns how it leaves; a second time changes nothing */
  enter(key: string): () => void;
};

export function createPresence(): Presence {
  const counts = new Map<string, number>();
  const of = (key: string) => counts.get(key) ?? 0;
  return {
    of,
    enter(key) {
      counts.set(key, of(key) + 1);
      let isThere = true;
      return () => {
        if (!isThere) return;
        isThere = false;
        if (of(key) > 1) counts.set(key, of(key) - 1);
        else counts.delete(key);
      };
    },
  };
}

/** Whoever has one address of IPv6 has all of its network: its first half stands for them. */
export function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const all = tail === undefined ? first : [...first, ...Array(8 - first.length - last.length).fill('0'), ...last];
  return `${all
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(':')}::/64`;
}
