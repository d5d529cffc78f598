import type { ContainerSpec, ServiceSpec, StackSpec } from '../spec/spec.ts';

/** A container of a stack, with its own name and number, and the agent it goes to. */
export type Placed = { service: ServiceSpec; container: ContainerSpec; agentId: string };

/** Returns the containers of a service that is not global: as many as it has replicas. */
export function containersOf(service: ServiceSpec): ContainerSpec[] {
  const count = service.replicas ?? 1;
  if (service.nameBase === undefined) return count > 0 ? [service.container] : [];
  return Array.from({ length: count }, (_, index) => replicaOf(service, index + 1));
}

export function replicaOf({ nameBase, container }: ServiceSpec, replica: number): ContainerSpec {
  return nameBase === undefined ? container : { ...container, name: `${nameBase}-${replica}`, replica };
}

/** Returns the containers of a revision where they were placed. */
export function placedOf(spec: StackSpec, placements: readonly { agentId: string; containerName: string }[]): Placed[] {
  const byName = Map.groupBy(placements, ({ containerName }) => containerName);
  return spec.services.flatMap((service) => {
    const containers = service.global ? globalsOf(service, placements) : containersOf(service);
    return containers.flatMap((container) =>
      (byName.get(container.name) ?? []).map(({ agentId }) => ({ service, container, agentId })),
    );
  });
}

/** A global service has as many containers as placements: their numbers are in their names. */
function globalsOf(service: ServiceSpec, placements: readonly { containerName: string }[]): ContainerSpec[] {
  const { nameBase, container } = service;
  if (nameBase === undefined) return [container];
  return placements.flatMap(({ containerName: name }) => {
    const digits = name.startsWith(`${nameBase}-`) ? name.slice(nameBase.length + 1) : '';
    return /^[1-9]\d*$/.test(digits) ? [{ ...container, name, replica: Number(digits) }] : [];
  });
}
