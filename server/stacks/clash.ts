import { toAddress } from './addresses.ts';
import type { PortSpec, ServiceSpec, StackSpec } from './spec.ts';

/** Pure: what a stack wants on a host and another stack already has there. */
export type Neighbour = { stack: string; agentId: string; containerName: string; spec: StackSpec };

export type Clash = { code: 'NAME_IN_USE' | 'PORT_IN_USE'; service: string; message: string };

export function findClashes(
  placed: readonly { service: ServiceSpec; agentId: string }[],
  neighbours: readonly Neighbour[],
): Clash[] {
  const byAgent = Map.groupBy(neighbours, (neighbour) => neighbour.agentId);
  const others = placed.flatMap(({ service, agentId }) =>
    (byAgent.get(agentId) ?? []).flatMap((neighbour) => clashesBetween(service, neighbour)),
  );
  return [...others, ...clashesWithin(placed)];
}

/** The parser compares containers that name their host; where the others went is known only now. */
function clashesWithin(placed: readonly { service: ServiceSpec; agentId: string }[]): Clash[] {
  const publishing = placed.filter(({ service }) => service.container.ports.some((port) => port.hostPort !== null));
  return [...Map.groupBy(publishing, ({ agentId }) => agentId).values()].flatMap((together) =>
    together.flatMap(({ service }, index) =>
      together.slice(0, index).flatMap(({ service: earlier }) => {
        const port = service.container.ports.find((one) =>
          earlier.container.ports.some((other) => isSamePort(one, other)),
        );
        if (!port) return [];
        const message = `port ${port.hostPort}/${port.protocol} is already published by "${earlier.name}" on the same host`;
        return [{ code: 'PORT_IN_USE' as const, service: service.name, message }];
      }),
    ),
  );
}

function clashesBetween(service: ServiceSpec, neighbour: Neighbour): Clash[] {
  const { stack, containerName } = neighbour;
  const clashes: Clash[] = [];
  if (service.container.name === containerName) {
    const message = `the stack "${stack}" already has a container "${containerName}" on that host`;
    clashes.push({ code: 'NAME_IN_USE', service: service.name, message });
  }
  const theirs = neighbour.spec.services.find((other) => other.container.name === containerName)?.container.ports ?? [];
  for (const port of service.container.ports) {
    if (!theirs.some((other) => isSamePort(port, other))) continue;
    const message = `port ${port.hostPort}/${port.protocol} of that host is already published by "${containerName}" of the stack "${stack}"`;
    clashes.push({ code: 'PORT_IN_USE', service: service.name, message });
  }
  return clashes;
}

function isSamePort(a: PortSpec, b: PortSpec): boolean {
  return a.hostPort !== null && a.hostPort === b.hostPort && a.protocol === b.protocol && overlap(a.hostIp, b.hostIp);
}

/** No address means all of both families, 0.0.0.0 and :: all of their own. */
function overlap(a: string | null, b: string | null): boolean {
  const [left, right] = [a, b].map((ip) => (ip === null ? undefined : toAddress(ip)));
  if (!left || !right) return true;
  return left.family === right.family && (left.bits === right.bits || left.bits === 0n || right.bits === 0n);
}
