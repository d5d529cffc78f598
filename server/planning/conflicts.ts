import { createPortIndex, type PortIndex } from '../spec/ports.ts';
import type { ContainerSpec } from '../spec/spec.ts';
import type { Placed } from './placed.ts';

/** Pure: what a stack wants on a host and another stack, or another of its own containers, already has there. */
export type Neighbour = { stack: string; agentId: string; container: Pick<ContainerSpec, 'name' | 'ports'> };

export type Clash = { code: 'NAME_IN_USE' | 'PORT_IN_USE'; service: string; message: string };

export function findClashes(placed: readonly Placed[], neighbours: readonly Neighbour[]): Clash[] {
  const hosts = new Map<string, Host>();
  const hostOf = (agentId: string): Host => {
    const host = hosts.get(agentId) ?? { names: new Map(), theirs: createPortIndex(), ours: createPortIndex() };
    hosts.set(agentId, host);
    return host;
  };
  for (const neighbour of neighbours) {
    const { names, theirs } = hostOf(neighbour.agentId);
    names.set(neighbour.container.name, neighbour.stack);
    theirs.addAll(neighbour.container.ports, neighbour);
  }
  const others = placed.flatMap((one) => clashesWithOthers(one, hostOf(one.agentId)));
  return [...others, ...placed.flatMap((one) => clashesWithin(one, hostOf(one.agentId)))];
}

type Host = {
  /** Stacks by the names of their containers. */
  names: Map<string, string>;
  theirs: PortIndex<Neighbour>;
  /** What earlier containers of the list publish. */
  ours: PortIndex<ContainerSpec>;
};

function clashesWithOthers({ service, container }: Placed, { names, theirs }: Host): Clash[] {
  const clashes: Clash[] = [];
  const stack = names.get(container.name);
  if (stack !== undefined) {
    const message = `the stack "${stack}" already has a container "${container.name}" on that host`;
    clashes.push({ code: 'NAME_IN_USE', service: service.name, message });
  }
  for (const port of container.ports) {
    const taken = theirs.find([port]);
    if (!taken) continue;
    const { by } = taken;
    const message = `port ${taken.port} of that host is already published by "${by.container.name}" of the stack "${by.stack}"`;
    clashes.push({ code: 'PORT_IN_USE', service: service.name, message });
  }
  return clashes;
}

/** The parser compares services that name their host; where the others went, and how many of each, is known only now. */
function clashesWithin({ service, container }: Placed, { ours }: Host): Clash[] {
  const taken = ours.find(container.ports);
  ours.addAll(container.ports, container);
  if (!taken) return [];
  const message =
    taken.by.service === service.name
      ? `"${container.name}" cannot publish port ${taken.port} of the host that "${taken.by.name}" publishes it on: spread the replicas over more hosts, or publish no fixed port`
      : `port ${taken.port} is already published by "${taken.by.name}" on the same host`;
  return [{ code: 'PORT_IN_USE', service: service.name, message }];
}
