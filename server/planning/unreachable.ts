import type { StackSpec } from '../spec/spec.ts';
import type { Placed } from './placed.ts';

/** Pure: what is parted although it belongs together, since networks and volumes of Docker end at their host. */
export type Unreachable = { service: string; message: string };

/** @param nameOf an agent's name by its id */
export function findUnreachable(
  spec: StackSpec,
  placed: readonly Placed[],
  nameOf: (agentId: string) => string,
): Unreachable[] {
  const byService = Map.groupBy(placed, ({ service }) => service.name);
  const away = spec.services.flatMap((service) =>
    service.dependsOn.flatMap(({ service: name, condition }) => {
      // Nobody talks to a job that has ended.
      if (condition === 'COMPLETED') return [];
      return unreachableFrom(byService.get(service.name) ?? [], byService.get(name) ?? [], name, nameOf);
    }),
  );
  return [...away, ...findOthers(spec, placed, away, nameOf)];
}

function unreachableFrom(
  here: readonly Placed[],
  there: readonly Placed[],
  name: string,
  nameOf: (agentId: string) => string,
): Unreachable[] {
  const networks = new Set(there.flatMap(({ container }) => container.networks.map((network) => network.name)));
  const hosts = new Set(there.map(({ agentId }) => agentId));
  const away = here.filter(
    ({ agentId, container }) => !hosts.has(agentId) && container.networks.some((network) => networks.has(network.name)),
  );
  const [first] = away;
  if (!first || there.length === 0) return [];
  const who = away.map(({ container, agentId }) => `${container.name} (${nameOf(agentId)})`).join(', ');
  const where = [...hosts].map(nameOf).join(', ');
  const message = `${who} cannot reach "${name}" by its name: it is on ${where}, and networks end at their host. Publish a port, or keep them together with a constraint.`;
  return [{ service: first.service.name, message }];
}

/** One for each service that shares a network of the stack with others and has none of them beside it. */
function findOthers(
  { networks, services }: StackSpec,
  placed: readonly Placed[],
  known: readonly Unreachable[],
  nameOf: (agentId: string) => string,
): Unreachable[] {
  const told = new Set(known.map(({ service }) => service));
  const own = new Set(networks.filter(({ external }) => !external).map(({ name }) => name));
  const names = (one: Placed) => one.container.networks.map(({ name }) => name).filter((name) => own.has(name));
  return services.flatMap(({ name }) => {
    if (told.has(name)) return [];
    const mine = placed.filter(({ service }) => service.name === name);
    const shared = new Set(mine.flatMap(names));
    const others = placed.filter(
      (one) => one.service.name !== name && names(one).some((network) => shared.has(network)),
    );
    const hosts = new Set(mine.map(({ agentId }) => agentId));
    const parted = new Set(others.filter(({ agentId }) => !hosts.has(agentId)).map(({ service }) => service.name));
    for (const { agentId, service } of others) if (hosts.has(agentId)) parted.delete(service.name);
    if (parted.size === 0) return [];
    const where = [...hosts].map(nameOf).join(', ');
    const message = `"${name}" is on ${where} and cannot be reached by its name from ${[...parted].join(', ')}: networks end at their host. Publish a port, or keep them together with a constraint.`;
    return [{ service: name, message }];
  });
}

/** A volume of the stack that containers on several hosts use: each host has one of its own, with other data. */
export function findPartedVolumes(
  { volumes }: StackSpec,
  placed: readonly Placed[],
  nameOf: (agentId: string) => string,
): Unreachable[] {
  return volumes
    .filter(({ external }) => !external)
    .flatMap(({ name }) => {
      const users = placed.filter(({ container }) => container.mounts.some(({ source }) => source === name));
      const byHost = Map.groupBy(users, ({ agentId }) => agentId);
      const [first] = users;
      if (!first || byHost.size < 2) return [];
      const where = [...byHost].map(
        ([agentId, of]) => `${nameOf(agentId)} (${[...new Set(of.map(({ container }) => container.name))].join(', ')})`,
      );
      const message = `the volume "${name}" is used on ${where.join(' and ')}: each host has one of its own, with other data.`;
      return [{ service: first.service.name, message }];
    });
}
