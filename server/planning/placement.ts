import type { ServiceSpec, StackSpec } from '../spec/spec.ts';
import {
  type Candidate,
  countOn,
  findBest,
  type Host,
  hasRoom,
  isAllowed,
  put,
  reasonAgainst,
  type ServicePlacement,
  startPlacement,
  takenPort,
  toHosts,
} from './candidates.ts';
import { type Component, componentsOf, findHome, isPinned } from './components.ts';
import { containersOf, type Placed, replicaOf } from './placed.ts';

/** Pure: which agent each container of a stack goes to. */
export type PlacementProblem = {
  code: 'UNKNOWN_HOST' | 'NO_AGENT_FITS' | 'NO_AGENT_AVAILABLE' | 'PORT_IN_USE' | 'NAME_IN_USE';
  service: string;
  message: string;
  reasons?: { agent: string; reason: string }[];
};

/** An agent that satisfies the constraints of a global service and yet has no room for its container. */
export type Skipped = { service: string; agent: string; reason: string };

/**
 * A service that names its host goes there, online or not. A container that was placed before stays, even on an agent that
 * is offline, unless the constraints, a port or the limit per agent now forbid it. What has to be on one host goes to one,
 * where that is possible. The rest goes to agents that are online.
 * Each step is done for all services before the next, so that nothing new takes the place of what is there.
 * @param placedBefore agent ids by container name
 */
export function place(
  spec: StackSpec,
  agents: readonly Candidate[],
  placedBefore: ReadonlyMap<string, string>,
): { placed: Placed[]; problems: PlacementProblem[]; skipped: Skipped[] } {
  const hosts = toHosts(agents);
  const byId = new Map(hosts.map((host) => [host.agent.id, host]));
  const byName = new Map(hosts.map((host) => [host.agent.name, host]));
  const networks = findBinding(spec);
  const placements = spec.services.map((service) => startPlacement(service, networks));
  const problems = new Map<ServicePlacement, PlacementProblem>();
  const skipped: Skipped[] = [];

  for (const placement of placements.filter(({ service }) => service.host !== null)) {
    const host = byName.get(placement.service.host ?? '');
    if (!host) problems.set(placement, unknownHost(placement.service, hosts));
    else for (const container of containersOf(placement.service)) put(placement, container, host);
  }
  // Services with the least choice come first, so that others can go to where they are.
  const free = placements.filter(({ service }) => service.host === null).toSorted((a, b) => freedom(a) - freedom(b));
  const numbers = createNumbers(spec, placedBefore);
  for (const placement of free) keep(placement, byId, placedBefore, numbers);
  const homeOf = createHomes(spec, free, hosts);
  for (const placement of free) {
    if (placement.service.global) skipped.push(...fillAll(placement, hosts, numbers));
    else fill(placement, hosts, homeOf(placement));
    const wanted = placement.service.global ? 1 : containersOf(placement.service).length;
    if (placement.placed.length < wanted) problems.set(placement, doesNotFit(placement, wanted, hosts));
  }
  return {
    placed: placements.flatMap(toPlaced),
    problems: placements.flatMap((placement) => problems.get(placement) ?? []),
    skipped,
  };
}

/** The names of the networks that keep containers together. */
function findBinding({ placement, networks }: StackSpec): Set<string> {
  const own = placement === 'together' ? networks.filter(({ external }) => !external) : [];
  return new Set(own.map(({ name }) => name));
}

const freedom = ({ service }: ServicePlacement) => (service.constraints?.length ? 0 : service.global ? 1 : 2);

const toPlaced = ({ service, placed }: ServicePlacement): Placed[] =>
  placed
    .toSorted((a, b) => a.container.replica - b.container.replica)
    .map(({ container, host }) => ({ service, container, agentId: host.agent.id }));

/** Numbers the containers of global services: an agent keeps the number it had, others get free ones. */
type Numbers = {
  /** The lowest number comes first. */
  before: (service: ServiceSpec) => readonly { replica: number; agentId: string }[];
  /** Whether another service has a container of that name. */
  isReserved: (name: string) => boolean;
};

function createNumbers(spec: StackSpec, placedBefore: ReadonlyMap<string, string>): Numbers {
  const isNeeded = spec.services.some((service) => service.global);
  const numbered = [...(isNeeded ? placedBefore : [])].flatMap(([name, agentId]) => {
    const [, base, digits] = /^(.+)-([1-9]\d*)$/.exec(name) ?? [];
    return base === undefined ? [] : [{ base, replica: Number(digits), agentId }];
  });
  const byBase = Map.groupBy(
    numbered.toSorted((a, b) => a.replica - b.replica),
    ({ base }) => base,
  );
  const others = isNeeded ? spec.services.filter((service) => !service.global) : [];
  const names = new Set(others.flatMap(containersOf).map(({ name }) => name));
  return {
    before({ nameBase, container }) {
      if (nameBase !== undefined) return byBase.get(nameBase) ?? [];
      const agentId = placedBefore.get(container.name);
      return agentId === undefined ? [] : [{ replica: container.replica, agentId }];
    },
    isReserved: (name) => names.has(name),
  };
}

/** Puts what may stay where it was. */
function keep(
  placement: ServicePlacement,
  byId: ReadonlyMap<string, Host>,
  placedBefore: ReadonlyMap<string, string>,
  numbers: Numbers,
): void {
  const { service } = placement;
  const before = service.global
    ? numbers.before(service).map(({ replica, agentId }) => ({ container: replicaOf(service, replica), agentId }))
    : containersOf(service).map((container) => ({ container, agentId: placedBefore.get(container.name) }));
  for (const { container, agentId } of before) {
    const host = agentId === undefined ? undefined : byId.get(agentId);
    if (!host || !isAllowed(placement, host) || !hasRoom(placement, host)) continue;
    if (service.global && (countOn(placement, host) > 0 || numbers.isReserved(container.name))) continue;
    put(placement, container, host);
  }
}

/** Finds the host of each service that has to be with others, once for all of them, when the first of them is placed. */
function createHomes(spec: StackSpec, free: readonly ServicePlacement[], hosts: readonly Host[]) {
  const components = spec.placement === 'together' ? componentsOf(spec, free) : [];
  const homes = new Map<Component, Host | undefined>();
  return (placement: ServicePlacement): Host | undefined => {
    const component = components.find((one) => one.includes(placement));
    if (!component) return undefined;
    if (!homes.has(component)) homes.set(component, findHome(component, hosts));
    return homes.get(component);
  };
}

/** Finds a place for the replicas that have none yet, one after the other. @param home where they are to be, if there is room */
function fill(placement: ServicePlacement, hosts: readonly Host[], home: Host | undefined): void {
  const has = new Set(placement.placed.map(({ container }) => container.name));
  const missing = containersOf(placement.service).filter(({ name }) => !has.has(name));
  if (missing.length === 0) return;
  const allowed = hosts.filter(
    (host) => isAllowed(placement, host) && (host.agent.online || isPinned(placement.service)),
  );
  for (const container of missing) {
    const host = home && hasRoom(placement, home) ? home : findBest(placement, allowed);
    if (!host) return;
    put(placement, container, host);
  }
}

/** Puts one container on every agent that is online, is allowed and has none yet. @returns where there is no room */
function fillAll(placement: ServicePlacement, hosts: readonly Host[], numbers: Numbers): Skipped[] {
  const { service } = placement;
  const used = new Set(placement.placed.map(({ container }) => container.replica));
  const allowed = hosts.filter(
    (host) => host.agent.online && countOn(placement, host) === 0 && isAllowed(placement, host),
  );
  let replica = 0;
  return allowed.flatMap((host) => {
    const taken = takenPort(placement, host);
    if (taken) {
      return [{ service: service.name, agent: host.agent.name, reason: `port ${taken.port} taken by ${taken.by}` }];
    }
    if (service.nameBase !== undefined) {
      do replica++;
      while (used.has(replica) || numbers.isReserved(`${service.nameBase}-${replica}`));
    }
    put(placement, replicaOf(service, replica), host);
    return [];
  });
}

function unknownHost(service: ServiceSpec, hosts: readonly Host[]): PlacementProblem {
  const known = hosts.map(({ agent }) => agent.name).join(', ') || 'none';
  return {
    code: 'UNKNOWN_HOST',
    service: service.name,
    message: `"${service.name}" is to run on "${service.host}", but there is no agent of that name; known agents: ${known}`,
  };
}

function doesNotFit(placement: ServicePlacement, wanted: number, hosts: readonly Host[]): PlacementProblem {
  const { name } = placement.service;
  const reasons = hosts.map((host) => ({ agent: host.agent.name, reason: reasonAgainst(placement, host) }));
  const listed = reasons.map(({ agent, reason }) => `${agent}: ${reason}`).join('; ');
  if (!hosts.some(({ agent }) => agent.online)) {
    const what = hosts.length === 0 ? 'there is no agent' : 'no agent is online';
    const message = `${what} to place "${name}" on${listed === '' ? '' : `: ${listed}`}`;
    return { code: 'NO_AGENT_AVAILABLE', service: name, message, reasons };
  }
  const found = placement.placed.length;
  const what =
    found === 0 ? `no agent fits "${name}"` : `only ${found} of the ${wanted} containers of "${name}" find an agent`;
  return { code: 'NO_AGENT_FITS', service: name, message: `${what}: ${listed}`, reasons };
}
