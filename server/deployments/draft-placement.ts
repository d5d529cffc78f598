import { type AgentRow, countContainersOfOthers, listAgents } from '../agents/store.ts';
import { GraphiumError } from '../base/errors.ts';
import type { Tx } from '../db/types.ts';
import type { ReportedPolicy, Warning } from '../db/values.ts';
import type { Candidate } from '../planning/candidates.ts';
import { findConflicts, type Neighbour } from '../planning/conflicts.ts';
import { findTooOld } from '../planning/engine-age.ts';
import { findCrowded, findRefusals, type HostPolicy } from '../planning/host-policy.ts';
import { type Placed, placedOf } from '../planning/placed.ts';
import { place } from '../planning/placement.ts';
import { findPartedVolumes, findUnreachable } from '../planning/unreachable.ts';
import type { StackSpec } from '../spec/spec.ts';
import { locateService } from '../stackfile/locate.ts';
import type { Problem } from '../stackfile/problems.ts';
import { listNeighbours, type Neighbours } from '../stacks/store.ts';

type PlaceCode = 'UNKNOWN_HOST' | 'NO_AGENT_FITS' | 'NO_AGENT_AVAILABLE' | 'NAME_IN_USE' | 'PORT_IN_USE';

/** The message has the first problem, for people; `problems` has all of them with their places, for programs. */
export function stackError(code: 'STACK_INVALID' | PlaceCode, problems: Problem[]) {
  const [first] = problems;
  const place = first ? `${first.path} (line ${first.line}, column ${first.column}): ${first.message}` : '';
  const more = problems.length > 1 ? `; and ${problems.length - 1} more` : '';
  return new GraphiumError(code, `${place}${more}`, { problems });
}

/** What a stack finds on the hosts, but for what is its own. */
export type Surroundings = { agents: AgentRow[]; neighbours: Neighbours[]; loads: ReadonlyMap<string, number> };

export async function readSurroundings(tx: Tx, stackName: string): Promise<Surroundings> {
  const [agents, neighbours, loads] = await Promise.all([
    listAgents(tx),
    listNeighbours(tx, stackName),
    countContainersOfOthers(tx, stackName),
  ]);
  return { agents, neighbours, loads };
}

export function placeOnAgents(
  surroundings: Surroundings,
  file: { format: 'JSONLD' | 'COMPOSE'; source: string },
  spec: StackSpec,
  placedBefore: ReadonlyMap<string, string>,
): { placed: Placed[]; warnings: Warning[] } {
  const neighbours = surroundings.neighbours.flatMap(({ stack, spec: theirs, placements }) =>
    placedOf(theirs, placements).map(({ agentId, container }): Neighbour => ({ stack, agentId, container })),
  );
  const candidates = listCandidates(surroundings, neighbours);
  const { placed, problems, skipped } = place(spec, candidates, placedBefore);
  const all = problems.length > 0 ? problems : findConflicts(placed, neighbours);
  const at = (service: string) => locateService(file, service);
  const [first] = all;
  if (first) {
    throw stackError(
      first.code,
      all.map(({ service, ...problem }) => ({ ...problem, ...at(service) })),
    );
  }
  const names = new Map(candidates.map(({ id, name }) => [id, name]));
  const nameOf = (id: string) => names.get(id) ?? id;
  const unreachable = findUnreachable(spec, placed, nameOf);
  const volumes = findPartedVolumes(spec, placed, nameOf);
  const policies = new Map(candidates.map(({ id, policy }) => [id, policy ?? undefined]));
  const refusals = [...findRefusals(placed, (id) => policies.get(id), nameOf), ...findCrowded(placed, candidates)];
  const apiVersions = new Map(candidates.map(({ id, apiVersion }) => [id, apiVersion ?? undefined]));
  const tooOld = findTooOld(placed, (id) => apiVersions.get(id), nameOf);
  const warnings = [
    ...skipped.map(({ service, agent, reason }) => {
      const message = `"${service}" is global and has no container on ${agent}: ${reason}`;
      return { code: 'AGENT_SKIPPED', message, ...at(service) };
    }),
    ...unreachable.map(({ service, message }) => ({ code: 'NETWORK_SPLIT', message, ...at(service) })),
    ...volumes.map(({ service, message }) => ({ code: 'VOLUME_SPLIT', message, ...at(service) })),
    ...tooOld.map(({ service, message }) => ({ code: 'ENGINE_TOO_OLD', message, ...at(service) })),
    ...refusals.map(({ service, message }) => ({ code: 'POLICY_DENIED', message, ...at(service) })),
  ];
  return { placed, warnings };
}

function listCandidates(
  { agents, loads }: Pick<Surroundings, 'agents' | 'loads'>,
  neighbours: readonly Neighbour[],
): Candidate[] {
  const wanted = Map.groupBy(neighbours, (neighbour) => neighbour.agentId);
  return agents.map(({ id, name, labels, engine, online, policy }) => ({
    id,
    name,
    labels,
    os: engine?.os ?? null,
    arch: engine?.arch ?? null,
    online,
    policy: policy && toHostPolicy(policy),
    apiVersion: engine?.apiVersion ?? null,
    load: loads.get(id) ?? 0,
    taken: (wanted.get(id) ?? []).flatMap(takenBy),
  }));
}

/** An agent may say anything: what is no list of texts allows nothing. */
function toHostPolicy(policy: ReportedPolicy): HostPolicy {
  const textsOf = (value: unknown) =>
    Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
  return {
    allowPrivileged: policy.allowPrivileged === true,
    allowHostNamespaces: textsOf(policy.allowHostNamespaces),
    allowBindMounts: textsOf(policy.allowBindMounts),
    allowCapabilities: textsOf(policy.allowCapabilities),
    allowDevices: textsOf(policy.allowDevices),
    allowPorts: policy.allowPorts === undefined ? null : textsOf(policy.allowPorts),
    ports: policy.ports === undefined ? null : textsOf(policy.ports),
    allowUlimits: policy.allowUlimits === undefined ? null : textsOf(policy.allowUlimits),
    allowMountPropagation: policy.allowMountPropagation === undefined ? null : textsOf(policy.allowMountPropagation),
    requireLimits: textsOf(policy.requireLimits),
    maxContainers: typeof policy.maxContainers === 'number' ? policy.maxContainers : null,
  };
}

function takenBy({ container, stack }: Neighbour): Candidate['taken'] {
  return container.ports.flatMap(({ hostPort, hostIp, protocol }) =>
    hostPort === null
      ? []
      : [{ port: hostPort, ip: hostIp, protocol, by: `"${container.name}" of the stack "${stack}"` }],
  );
}
