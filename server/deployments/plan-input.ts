import { type AgentRow, listAgents, listContainersOfStacks, listImages } from '../agents/store.ts';
import type { Tx } from '../db/types.ts';
import type { Placed } from '../planning/placed.ts';
import type { PlanInput, PlanKind } from '../planning/plan-input.ts';
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
