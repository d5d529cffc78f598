import type { PortSpec, ServiceSpec, StackSpec } from './spec.ts';

/** Pure: what a stack wants on a host and another stack already has there. */
export type Neighbour = { stack: string; agentId: string; containerName: string; spec: StackSpec };

export type Clash = { code: 'NAME_IN_USE' | 'PORT_IN_USE'; service: string; message: string };

export function findClashes(
  placed: readonly { service: ServiceSpec; agentId: string }[],
  neighbours: readonly Neighbour[],
): Clash[] {
  const byAgent = Map.groupBy(neighbours, (neighbour) => neighbour.agentId);
  return placed.flatMap(({ service, agentId }) =>
    (byAgent.get(agentId) ?? []).flatMap((neighbour) => clashesBetween(service, neighbour)),
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
  const sameAddress = a.hostIp === null || b.hostIp === null || a.hostIp === b.hostIp;
  return a.hostPort !== null && a.hostPort === b.hostPort && a.protocol === b.protocol && sameAddress;
}
