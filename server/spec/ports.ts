import { isSameAddress, isUnspecified, toAddress } from './addresses.ts';
import type { ContainerSpec } from './spec.ts';

/** Knows who has which port of one host. It looks ports up rather than search, because hosts have many containers. */
export type PortIndex<T> = {
  /** Finds the first owner of a port that the container wants, too. */
  find(ports: ContainerSpec['ports']): { port: string; by: T } | undefined;
  add(port: HostPort, by: T): void;
  /** Adds the fixed ports of a container. */
  addAll(ports: ContainerSpec['ports'], by: T): void;
};

/** An `ip` of null means all addresses of the host. */
export type HostPort = { port: number; ip: string | null; protocol: string };

export function createPortIndex<T>(): PortIndex<T> {
  const owners = new Map<string, { ip: string | null; by: T }[]>();
  const add = ({ port, ip, protocol }: HostPort, by: T) => {
    const key = `${port}/${protocol}`;
    const same = owners.get(key);
    if (same) same.push({ ip, by });
    else owners.set(key, [{ ip, by }]);
  };
  return {
    add,
    addAll(ports, by) {
      for (const { hostPort, hostIp, protocol } of ports) {
        if (hostPort !== null) add({ port: hostPort, ip: hostIp, protocol }, by);
      }
    },
    find(ports) {
      for (const { hostPort, hostIp, protocol } of ports) {
        if (hostPort === null) continue;
        const port = `${hostPort}/${protocol}`;
        const owner = owners.get(port)?.find(({ ip }) => overlap(ip, hostIp));
        if (owner) return { port, by: owner.by };
      }
      return undefined;
    },
  };
}

/** No address means all of both families; 0.0.0.0 and :: mean all of their own. */
function overlap(a: string | null, b: string | null): boolean {
  if (a === null || b === null || a === b) return true;
  const [left, right] = [toAddress(a), toAddress(b)];
  if (!left || !right) return true;
  return left.kind() === right.kind() && (isUnspecified(left) || isUnspecified(right) || isSameAddress(left, right));
}
