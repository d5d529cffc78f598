import { createPortIndex } from '../spec/ports.ts';
import type { ServiceSpec, StackSpec } from '../spec/spec.ts';
import { countOn, type Host, isAllowed, linksOn, type ServicePlacement, takenPort } from './candidates.ts';
import { containersOf } from './placed.ts';

/** Pure: what has to be on one host to work as `docker compose up` has it, since networks and volumes end at their host. */
export type Component = readonly ServicePlacement[];

/**
 * Groups the services that share a network or a named volume of the stack, or that wait for one another. Those that the file
 * itself has placed or spreads are in no group.
 */
export function componentsOf({ networks, volumes }: StackSpec, placements: readonly ServicePlacement[]): Component[] {
  const members = placements.filter(({ service }) => !isSpread(service));
  const isOwn = ({ external }: { external?: boolean }) => !external;
  const shared = new Set([
    ...networks.filter(isOwn).map(({ name }) => `network ${name}`),
    ...volumes.filter(isOwn).map(({ name }) => `volume ${name}`),
  ]);
  const groups = new Map<string, Set<ServicePlacement>>();
  for (const placement of members) {
    const keys = keysOf(placement.service).filter((key) => key.startsWith('service ') || shared.has(key));
    const joined = new Set([placement, ...keys.flatMap((key) => [...(groups.get(key) ?? [])])]);
    for (const one of joined) for (const key of keysOf(one.service)) groups.set(key, joined);
  }
  const all = [...new Set(groups.values())].map((group) => members.filter((one) => group.has(one)));
  // The replicas of a service that share nothing of the stack have no need of one another.
  const sharesNothing = ({ service }: ServicePlacement) => !keysOf(service).some((key) => shared.has(key));
  return all.filter((group) => group.length > 1 || !group.every(sharesNothing));
}

function keysOf({ name, container, dependsOn }: ServiceSpec): string[] {
  const volumes = container.mounts.flatMap(({ type, source }) => (type === 'volume' && source ? [source] : []));
  return [
    `service ${name}`,
    ...dependsOn.map(({ service }) => `service ${service}`),
    ...container.networks.map((network) => `network ${network.name}`),
    ...volumes.map((volume) => `volume ${volume}`),
  ];
}

/** A file that names the host means it, and waits for it as one that says `locatedInHost`. */
export const isPinned = ({ constraints = [] }: ServiceSpec): boolean =>
  constraints.some(({ attribute, operator }) => attribute === 'node.hostname' && operator === '==');

/** The file says itself that its containers are on several hosts, or they could not be on one. */
function isSpread({ host, global, spread, maxReplicasPerNode, replicas = 1, container }: ServiceSpec): boolean {
  if (host !== null || global || spread?.length || maxReplicasPerNode) return true;
  return replicas > 1 && container.ports.some(({ hostPort }) => hostPort !== null);
}

/**
 * Finds the host for what of a component has no place yet: where the most of it is already, even if that host is offline,
 * or has to be by its name, then where the most is that it shares a network with, then the one with the least load.
 * @returns undefined if no host takes all of it
 */
export function findHome(component: Component, hosts: readonly Host[]): Host | undefined {
  const countOf = (host: Host) => component.reduce((sum, placement) => sum + countOn(placement, host), 0);
  const isAwaited = component.some(({ service }) => isPinned(service));
  const linksOf = (host: Host) => component.reduce((sum, placement) => sum + linksOn(placement, host), 0);
  const possible = hosts
    .map((host) => ({ host, count: countOf(host), links: linksOf(host) }))
    .filter(({ host, count }) => (host.agent.online || isAwaited || count > 0) && takesAll(component, host));
  // The hosts are sorted by name, and that order stays where all else is equal.
  return possible.toSorted((a, b) => b.count - a.count || b.links - a.links || a.host.load - b.host.load)[0]?.host;
}

function takesAll(component: Component, host: Host): boolean {
  const ports = createPortIndex<string>();
  return component.every((placement) => {
    if (!isAllowed(placement, host)) return false;
    const missing = containersOf(placement.service).length - placement.placed.length;
    const { ports: wanted } = placement.service.container;
    if (missing === 0) return true;
    if (takenPort(placement, host) || ports.find(wanted)) return false;
    ports.addAll(wanted, placement.service.name);
    return true;
  });
}
