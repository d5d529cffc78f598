import { createPortIndex, type PortIndex } from '../spec/ports.ts';
import type { ContainerSpec, ServiceSpec } from '../spec/spec.ts';
import { attributeOf, satisfies, unmetBy } from './constraints.ts';
import type { HostPolicy } from './host-policy.ts';

/** An agent that a container may go to. */
export type Candidate = {
  id: string;
  name: string;
  labels: Record<string, string>;
  os: string | null;
  arch: string | null;
  online: boolean;
  /** null: the agent has not said what its policy is. */
  policy?: HostPolicy | null;
  /** The version of Docker's API that it speaks; null: it has not said. */
  apiVersion?: string | null;
  /** Containers of other stacks that it runs. */
  load: number;
  /** Host ports that other stacks want there; `by` names a container and its stack. */
  taken: { port: number; ip: string | null; protocol: string; by: string }[];
};

/** Pure but for its own state: an agent and what it carries while a stack is placed. */
export type Host = {
  agent: Candidate;
  /** Number of containers, of all stacks. */
  load: number;
  /** Number of this stack's containers. */
  own: number;
  ports: PortIndex<string>;
  /** Number of this stack's containers, by network. */
  networks: Map<string, number>;
  /** Values of the spread attributes, by the list of attributes: most services of a stack have the same list, or none. */
  groups: Map<string, readonly string[]>;
};

/** A service and where its containers have been put so far. */
export type ServicePlacement = {
  service: ServiceSpec;
  placed: { container: ContainerSpec; host: Host }[];
  /** Its containers by host and by group: the values of its first, its first two, ... spread attributes. */
  onHost: Map<Host, number>;
  inGroup: Map<string, number>;
  spread: string;
  /** The networks of the stack that it is in; it prefers hosts with others of them, since networks end at their host. */
  links: readonly string[];
  /** It has several containers: the first is to be near its network, and the others are spread evenly. */
  isMany: boolean;
};

/** Sorts by name, so that of two hosts that are equally good always the same one is taken. */
export function toHosts(agents: readonly Candidate[]): Host[] {
  return agents
    .map((agent): Host => {
      const ports = createPortIndex<string>();
      for (const taken of agent.taken) ports.add(taken, taken.by);
      return { agent, load: agent.load, own: 0, ports, networks: new Map(), groups: new Map() };
    })
    .toSorted((a, b) => (a.agent.name < b.agent.name ? -1 : 1));
}

/** @param networks the names of those that keep containers together */
export const startPlacement = (service: ServiceSpec, networks: ReadonlySet<string>): ServicePlacement => ({
  service,
  links: service.container.networks.map(({ name }) => name).filter((name) => networks.has(name)),
  isMany: (service.replicas ?? 1) > 1,
  placed: [],
  onHost: new Map(),
  inGroup: new Map(),
  spread: (service.spread ?? []).join('\n'),
});

export function put(placement: ServicePlacement, container: ContainerSpec, host: Host): void {
  placement.placed.push({ container, host });
  placement.onHost.set(host, countOn(placement, host) + 1);
  for (const group of groupsOf(placement, host)) placement.inGroup.set(group, (placement.inGroup.get(group) ?? 0) + 1);
  host.load++;
  host.own++;
  for (const { name } of container.networks) host.networks.set(name, (host.networks.get(name) ?? 0) + 1);
  host.ports.addAll(container.ports, `"${container.name}" of this stack`);
}

export const countOn = (placement: ServicePlacement, host: Host) => placement.onHost.get(host) ?? 0;

export const isAllowed = ({ service }: ServicePlacement, { agent }: Host) =>
  (service.constraints ?? []).every((constraint) => satisfies(agent, constraint));

/** Asks nothing of the constraints. */
export const hasRoom = (placement: ServicePlacement, host: Host) =>
  !isFull(placement, host) && !takenPort(placement, host);

export const takenPort = ({ service }: ServicePlacement, host: Host) => host.ports.find(service.container.ports);

const isFull = (placement: ServicePlacement, host: Host) =>
  countOn(placement, host) >= (placement.service.maxReplicasPerNode || Number.POSITIVE_INFINITY);

/**
 * Returns the best host for one more container: by each spread preference in turn, then by fewest of its own, then by what
 * it shares networks with, then by load, then by name.
 */
export function findBest(placement: ServicePlacement, hosts: readonly Host[]): Host | undefined {
  let best: Host | undefined;
  for (const host of hosts) {
    if ((best === undefined || isBetter(placement, host, best)) && hasRoom(placement, host)) best = host;
  }
  return best;
}

function isBetter(placement: ServicePlacement, host: Host, other: Host): boolean {
  const groups = groupsOf(placement, host);
  const others = groupsOf(placement, other);
  for (let depth = 0; depth < groups.length; depth++) {
    const more = countIn(placement, groups[depth]) - countIn(placement, others[depth]);
    if (more !== 0) return more < 0;
  }
  const more = countOn(placement, host) - countOn(placement, other);
  if (more !== 0) return more < 0;
  if (placement.links.length > 0 && placement.isMany && placement.placed.length > 0 && host.own !== other.own)
    return host.own < other.own;
  const nearer = linksOn(placement, host) - linksOn(placement, other);
  return nearer === 0 ? host.load < other.load : nearer > 0;
}

/** Counts its own containers too, which makes no difference between hosts that have equally many of them. */
export const linksOn = ({ links }: ServicePlacement, host: Host) =>
  links.reduce((sum, name) => sum + (host.networks.get(name) ?? 0), 0);

const countIn = (placement: ServicePlacement, group: string | undefined) => placement.inGroup.get(group ?? '') ?? 0;

function groupsOf({ service, spread }: ServicePlacement, host: Host): readonly string[] {
  const known = host.groups.get(spread);
  if (known) return known;
  const values = (service.spread ?? []).map((attribute) => attributeOf(host.agent, attribute) ?? '');
  const groups = values.map((_, depth) => JSON.stringify(values.slice(0, depth + 1)));
  host.groups.set(spread, groups);
  return groups;
}

/** Lists everything that keeps one more container of the service from an agent. */
export function reasonAgainst(placement: ServicePlacement, host: Host): string {
  const count = countOn(placement, host);
  const taken = takenPort(placement, host);
  return [
    ...(host.agent.online ? [] : ['offline']),
    ...unmetBy(host.agent, placement.service.constraints ?? []),
    ...(taken ? [`port ${taken.port} taken by ${taken.by}`] : []),
    ...(isFull(placement, host) ? [`has ${count} ${count === 1 ? 'replica' : 'replicas'} already`] : []),
  ].join(', ');
}
