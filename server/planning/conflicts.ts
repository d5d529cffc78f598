import { createPortIndex, type PortIndex } from '../spec/ports.ts';
import type { ContainerSpec } from '../spec/spec.ts';
import type { Placed } from './placed.ts';

/** Pure: names and ports that a stack wants on a host and that another stack, or another of its own containers, has there. */
export type Neighbour = { stack: string; agentId: string; container: Pick<ContainerSpec, 'name' | 'ports'> };

export type Conflict = { code: 'NAME_IN_USE' | 'PORT_IN_USE'; service: string; message: string };

export function findConflicts(placed: readonly Placed[], neighbours: readonly Neighbour[]): Conflict[] {
  const hosts = new Map<string, Host>();
  const hostOf = (agentId: string): Host => {
    const host = hosts.get(agentId) ?? { names: new Map(), theirs: createPortIndex(), own: createPortIndex() };
    hosts.set(agentId, host);
    return host;
  };
  for (const neighbour of neighbours) {
    const { names, theirs } = hostOf(neighbour.agentId);
    names.set(neighbour.container.name, neighbour.stack);
    theirs.addAll(neighbour.container.ports, neighbour);
  }
  const others = placed.flatMap((one) => conflictsWithOthers(one, hostOf(one.agentId)));
  return [...others, ...placed.flatMap((one) => conflictsWithin(one, hostOf(one.agentId)))];
}

type Host = {
  /** Stacks, by the names of their containers. */
  names: Map<string, string>;
  theirs: PortIndex<Neighbour>;
  /** Ports that earlier containers of this stack publish. */
  own: PortIndex<ContainerSpec>;
};

function conflictsWithOthers({ service, container }: Placed, { names, theirs }: Host): Conflict[] {
  const conflicts: Conflict[] = [];
  const stack = names.get(container.name);
  if (stack !== undefined) {
    const message = `the stack "${stack}" already has a container "${container.name}" on that host`;
    conflicts.push({ code: 'NAME_IN_USE', service: service.name, message });
  }
  for (const port of container.ports) {
    const taken = theirs.find([port]);
    if (!taken) continue;
    const { by } = taken;
    const message = `port ${taken.port} of that host is already published by "${by.container.name}" of the stack "${by.stack}"`;
    conflicts.push({ code: 'PORT_IN_USE', service: service.name, message });
  }
  return conflicts;
}

/** The parser has compared only services that name their host: where the others went, and how many, is known only now. */
function conflictsWithin({ service, container }: Placed, { own }: Host): Conflict[] {
  const taken = own.find(container.ports);
  own.addAll(container.ports, container);
  if (!taken) return [];
  const message =
    taken.by.service === service.name
      ? `"${container.name}" cannot publish port ${taken.port} of the host that "${taken.by.name}" publishes it on: spread the replicas over more hosts, or publish no fixed port`
      : `port ${taken.port} is already published by "${taken.by.name}" on the same host`;
  return [{ code: 'PORT_IN_USE', service: service.name, message }];
}
