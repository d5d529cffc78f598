import type { ServiceSpec, StackSpec } from '../stacks/spec.ts';

/** Pure: which agent each service of a stack goes to. */
export type Candidate = {
  id: string;
  name: string;
  online: boolean;
  /** Containers it runs already, for spreading. */
  load: number;
};

export type Placed = { service: ServiceSpec; agentId: string };
export type PlacementProblem = { code: 'UNKNOWN_HOST' | 'NO_AGENT_AVAILABLE'; service: string; message: string };

/**
 * A service that names its host goes there, online or not. The others stay where the last revision put them, or go to
 * the online agent with the fewest containers (by name where that is equal, so that the result is always the same).
 * @param previous agent ids by container name
 */
export function place(
  spec: StackSpec,
  agents: readonly Candidate[],
  previous: ReadonlyMap<string, string>,
): { placed: Placed[]; problems: PlacementProblem[] } {
  const byName = new Map(agents.map((agent) => [agent.name, agent]));
  const byId = new Map(agents.map((agent) => [agent.id, agent]));
  const load = new Map(agents.map((agent) => [agent.id, agent.load]));
  const placed: Placed[] = [];
  const problems: PlacementProblem[] = [];
  for (const service of spec.services) {
    const agent =
      service.host === null
        ? (byId.get(previous.get(service.container.name) ?? '') ?? leastLoaded(agents, load))
        : byName.get(service.host);
    if (!agent) {
      problems.push(problemOf(service, agents));
      continue;
    }
    load.set(agent.id, (load.get(agent.id) ?? 0) + 1);
    placed.push({ service, agentId: agent.id });
  }
  return { placed, problems };
}

function leastLoaded(agents: readonly Candidate[], load: ReadonlyMap<string, number>): Candidate | undefined {
  return agents
    .filter((agent) => agent.online)
    .toSorted((a, b) => (load.get(a.id) ?? 0) - (load.get(b.id) ?? 0) || (a.name < b.name ? -1 : 1))[0];
}

function problemOf(service: ServiceSpec, agents: readonly Candidate[]): PlacementProblem {
  if (service.host === null) {
    return {
      code: 'NO_AGENT_AVAILABLE',
      service: service.name,
      message: `no agent is online to place "${service.name}" on`,
    };
  }
  const known = agents.map((agent) => agent.name).join(', ') || 'none';
  return {
    code: 'UNKNOWN_HOST',
    service: service.name,
    message: `"${service.name}" is to run on "${service.host}", but there is no agent of that name; known agents: ${known}`,
  };
}
