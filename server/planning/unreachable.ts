import type { StackSpec } from '../spec/spec.ts';
import type { Placed } from './placed.ts';

/** Pure: who cannot reach by name what it depends on, since a network of Docker ends at its host. */
export type Unreachable = { service: string; message: string };

/** @param nameOf an agent's name by its id */
export function findUnreachable(
  { services }: StackSpec,
  placed: readonly Placed[],
  nameOf: (agentId: string) => string,
): Unreachable[] {
  const byService = Map.groupBy(placed, ({ service }) => service.name);
  return services.flatMap((service) =>
    service.dependsOn.flatMap(({ service: name, condition }) => {
      const there = byService.get(name) ?? [];
      const networks = new Set(there.flatMap(({ container }) => container.networks.map((network) => network.name)));
      const hosts = new Set(there.map(({ agentId }) => agentId));
      const away = (byService.get(service.name) ?? []).filter(
        ({ agentId, container }) =>
          !hosts.has(agentId) && container.networks.some((network) => networks.has(network.name)),
      );
      // Nobody talks to a job that has ended.
      if (away.length === 0 || there.length === 0 || condition === 'COMPLETED') return [];
      const who = away.map(({ container, agentId }) => `${container.name} (${nameOf(agentId)})`).join(', ');
      const where = [...hosts].map(nameOf).join(', ');
      const message = `${who} cannot reach "${name}" by its name: it is on ${where}, and networks end at their host. Publish a port, or keep them together with a constraint.`;
      return [{ service: service.name, message }];
    }),
  );
}
