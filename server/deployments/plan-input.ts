import { listAgents, listContainersOfStacks, listImages } from '../agents/store.ts';
import type { Tx } from '../db/types.ts';
import type { Placed } from '../planning/placed.ts';
import type { Known, PlanInput, PlanKind } from '../planning/plan-input.ts';
import type { StackSpec } from '../spec/spec.ts';
import { listPlacements, type StackRow } from '../stacks/store.ts';
import { listContainersInWork, listStopped } from './store.ts';

/** What a stack is to become. */
export type Target = { name: string; spec: StackSpec; revision: number; placed: readonly Placed[] };

export type PlanOptions = {
  kind: PlanKind;
  removeVolumes?: boolean;
  services?: readonly string[] | null;
  /** The only containers, by `containerKey`, that may be removed because the revision does not want them; absent: all. */
  orphans?: ReadonlySet<string>;
  /** Plans for this agent alone; null or absent: for all. */
  onlyAgent?: string | null;
};

/** Reads what the plan needs to know about the hosts of a stack. @param stack undefined: it does not exist yet */
export async function readPlanInput(
  tx: Tx,
  stack: Pick<StackRow, 'id'> | undefined,
  target: Target,
  { kind, removeVolumes = false, services = null, orphans, onlyAgent = null }: PlanOptions,
): Promise<PlanInput> {
  const { name, spec, revision } = target;
  const agents = (await listAgents(tx)).filter(({ id }) => onlyAgent === null || id === onlyAgent);
  const ids = new Set(agents.map(({ id }) => id));
  const isKnown = ({ agentId }: { agentId: string }) => ids.has(agentId);
  const placed = target.placed.filter(isKnown);
  const observed = (await listContainersOfStacks(tx, [name])).filter(isKnown);
  const known: Known = {
    observed,
    images: await listImages(tx, [...new Set(placed.map(({ agentId }) => agentId))]),
    online: new Set(agents.filter(({ online }) => online).map(({ id }) => id)),
    // A removal that belongs to an earlier stack of the name may still be under way.
    inWork: (await listContainersInWork(tx, name)).filter(isKnown),
    ...(await readHistory(tx, stack, isKnown, [...placed, ...observed])),
  };
  return { kind, spec, revision, placed, services, removeVolumes, orphans: orphans ?? null, known };
}

async function readHistory(
  tx: Tx,
  stack: Pick<StackRow, 'id'> | undefined,
  isKnown: (row: { agentId: string }) => boolean,
  now: readonly { agentId: string }[],
): Promise<Pick<Known, 'stopped' | 'involved'>> {
  if (!stack) return { stopped: [], involved: toAgentIds(now) };
  const ever = (await listPlacements(tx, stack.id)).filter(isKnown);
  return {
    stopped: await listStopped(tx, stack.id),
    involved: toAgentIds([...ever, ...now]),
  };
}

const toAgentIds = (rows: readonly { agentId: string }[]) => [...new Set(rows.map(({ agentId }) => agentId))];
