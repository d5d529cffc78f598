import { type AgentRow, listAgents, listContainersOfStacks, listImages } from '../agents/store.ts';
import type { Tx } from '../db/connect.ts';
import { containersOf, type Placed } from '../planning/placement.ts';
import type { PlanInput, PlanKind } from '../planning/plan.ts';
import type { StackSpec } from '../spec/spec.ts';
import { listPlacements, type StackRow } from '../stacks/store.ts';
import { listContainersInWork, listStopped } from './store.ts';

export type Aim = { name: string; spec: StackSpec; revision: number; placed: readonly Placed[] };

export type AimOptions = {
  kind: PlanKind;
  removeVolumes?: boolean;
  services?: readonly string[] | null;
  onlyUnwanted?: boolean;
  /** Of what is not wanted only these are removed, "agent id:name"; absent: all. */
  onlyContainers?: ReadonlySet<string>;
  /** Nothing is looked at on other agents; null or absent: all. */
  onlyAgent?: string | null;
};

/** What the database knows about the hosts of a stack, as the plan wants it. */
export async function readSituation(
  tx: Tx,
  stack: Pick<StackRow, 'id'> | undefined,
  { name, spec, revision, placed }: Aim,
  options: AimOptions,
): Promise<PlanInput> {
  const { kind, removeVolumes = false, services = null, onlyUnwanted = false, onlyAgent = null } = options;
  const agents = await listAgents(tx);
  const known = new Set(agents.map((agent) => agent.id));
  const isKnown = ({ agentId }: { agentId: string }) =>
    known.has(agentId) && (onlyAgent === null || agentId === onlyAgent);
  const ever = stack ? (await listPlacements(tx, stack.id)).filter(isKnown) : [];
  const observed = (await listContainersOfStacks(tx, [name])).filter(isKnown);
  const inWork = stack ? (await listContainersInWork(tx, stack.id)).filter(isKnown) : [];
  const used = [...new Set(placed.map(({ agentId }) => agentId))];
  return {
    kind,
    spec,
    revision,
    placed: placed.filter(isKnown),
    observed,
    inWork,
    stopped: stack ? await listStopped(tx, stack.id) : [],
    images: await listImages(tx, used),
    involved: [...new Set([...ever, ...placed, ...observed].filter(isKnown).map(({ agentId }) => agentId))],
    online: toOnline(agents),
    removeVolumes,
    services,
    onlyUnwanted,
    onlyContainers: options.onlyContainers ?? null,
  };
}

const toOnline = (agents: readonly AgentRow[]) =>
  new Set(agents.filter((agent) => agent.online).map((agent) => agent.id));

/** The containers of a revision, where it was placed. */
export function placedOf(spec: StackSpec, placements: readonly { agentId: string; containerName: string }[]): Placed[] {
  const byName = Map.groupBy(placements, ({ containerName }) => containerName);
  return spec.services.flatMap((service) => {
    const containers = service.global ? globalsOf(service, placements) : containersOf(service);
    return containers.flatMap((container) =>
      (byName.get(container.name) ?? []).map(({ agentId }) => ({ service, container, agentId })),
    );
  });
}

/** A global service has as many containers as it was given places. */
function globalsOf(
  service: Placed['service'],
  placements: readonly { containerName: string }[],
): Placed['container'][] {
  const { nameBase, container } = service;
  if (nameBase === undefined) return [container];
  return placements.flatMap(({ containerName: name }) => {
    const digits = name.startsWith(`${nameBase}-`) ? name.slice(nameBase.length + 1) : '';
    return /^[1-9]\d*$/.test(digits) ? [{ ...container, name, replica: Number(digits) }] : [];
  });
}
