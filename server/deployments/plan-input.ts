import { type AgentRow, type ContainerRow, listAgents, listContainersOfStacks, listImages } from '../agents/store.ts';
import type { Tx } from '../db/types.ts';
import type { Placed } from '../planning/placed.ts';
import type { Known, PlanInput, PlanKind } from '../planning/plan-input.ts';
import type { StackSpec } from '../spec/spec.ts';
import { listAgentsEver, type StackRow } from '../stacks/store.ts';
import { listContainersInWork, listStopped } from './store.ts';

/** What a stack is to become. `seen`: what its places were chosen by, so that nothing else is planned than was placed. */
export type Target = { name: string; spec: StackSpec; revision: number; placed: readonly Placed[]; seen?: Seen };
/** The agents, and the stack's own containers on them. */
export type Seen = { agents: AgentRow[]; containers: ContainerRow[] };

export type PlanOptions = {
  kind: PlanKind;
  removeVolumes?: boolean;
  services?: readonly string[] | null;
  /** The only containers, by `orphanKey`, that may be removed because the revision does not want them; absent: all. */
  orphans?: ReadonlySet<string>;
  /** Plans for this agent alone; null or absent: for all. */
  onlyAgent?: string | null;
  unasked?: boolean;
  /** The only containers, by `orphanKey`, that anything is done to; absent: all. */
  only?: ReadonlySet<string>;
};

/** Reads what the plan needs to know about the hosts of a stack. @param stack undefined: it does not exist yet */
export async function readPlanInput(
  tx: Tx,
  stack: Pick<StackRow, 'id'> | undefined,
  target: Target,
  { kind, removeVolumes = false, services = null, orphans, onlyAgent = null, unasked = false, only }: PlanOptions,
): Promise<PlanInput> {
  const { name, spec, revision } = target;
  const [all, containers, images, inWork, ever, stopped] = await Promise.all([
    target.seen?.agents ?? listAgents(tx),
    target.seen?.containers ?? listContainersOfStacks(tx, [name]),
    listImages(tx, toAgentIds(target.placed)),
    listContainersInWork(tx, name),
    stack ? listAgentsEver(tx, stack.id) : [],
    stack ? listStopped(tx, [stack.id]) : [],
  ]);
  const agents = all.filter(({ id }) => onlyAgent === null || id === onlyAgent);
  const ids = new Set(agents.map(({ id }) => id));
  const isKnown = ({ agentId }: { agentId: string }) => ids.has(agentId);
  const placed = target.placed.filter(isKnown);
  const observed = containers.filter(isKnown);
  const known: Known = {
    observed,
    images,
    online: new Set(agents.filter(({ online }) => online).map(({ id }) => id)),
    // A removal that belongs to an earlier stack of the name may still be under way.
    inWork: inWork.filter(isKnown),
    stopped,
    involved: toAgentIds([...ever.filter(isKnown), ...placed, ...observed]),
  };
  return {
    kind,
    unasked,
    ...(only && { only }),
    spec,
    revision,
    placed,
    services,
    removeVolumes,
    orphans: orphans ?? null,
    known,
  };
}

const toAgentIds = (rows: readonly { agentId: string }[]) => [...new Set(rows.map(({ agentId }) => agentId))];
