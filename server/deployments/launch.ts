import { randomUUID } from 'node:crypto';
import { listAgents, listContainersOfStacks } from '../agents/store.ts';
import { type Actor, audit } from '../audit.ts';
import type { Tx } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { findRevision, listPlacements, type StackRow, updateStack } from '../stacks/store.ts';
import { addEvents, insertTasks } from '../tasks/store.ts';
import { supersede } from './cancel.ts';
import type { Placed } from './placement.ts';
import { type PlanKind, type PlannedTask, plan, planUnwanted } from './plan.ts';
import { settle } from './settle.ts';
import { insertDeployment, listContainersInWork, lockUnfinished } from './store.ts';

export type Launch = {
  kind: PlanKind;
  desired: StackRow['desired'];
  /** Only remove what the revision does not want. */
  onlyUnwanted?: boolean;
  removeVolumes: boolean;
  idempotencyKey: string | null;
  inputHash: string;
  retryOf: string | null;
};

/** Supersedes what is unfinished and puts the new plan in its place. The caller holds the planning lock. */
export async function launch(tx: Tx, actor: Actor, stack: StackRow, options: Launch): Promise<string> {
  const id = randomUUID();
  const unfinished = await lockUnfinished(tx, stack.id);
  await updateStack(tx, stack.id, { desired: options.desired });
  // A deletion that is not through yet still owes what was asked of it.
  const removeVolumes =
    options.removeVolumes ||
    (options.kind === 'DELETE' && unfinished.some((row) => row.kind === 'DELETE' && row.removeVolumes));
  const planned = await planFor(tx, stack, options, removeVolumes);
  const { kind, idempotencyKey, inputHash, retryOf } = options;
  const { revision } = stack;
  const createdBy = actor.name;
  await insertDeployment(tx, {
    id,
    stackId: stack.id,
    kind,
    revision,
    removeVolumes,
    idempotencyKey,
    inputHash,
    retryOf,
    createdBy,
  });
  for (const old of unfinished) await supersede(tx, old.id, id);
  await insertPlan(tx, stack.id, id, planned);
  await settle(tx, [id]);
  await audit(tx, actor, `${kind.toLowerCase()}Stack`, stack.name, { deploymentId: id, revision });
  await notify(tx, [
    ...planned.map((task) => topic.pending(task.agentId)),
    topic.deployment(id),
    topic.stacks,
    topic.tasks,
    topic.agents,
  ]);
  return id;
}

async function planFor(
  tx: Tx,
  stack: StackRow,
  { kind, onlyUnwanted }: Launch,
  removeVolumes: boolean,
): Promise<PlannedTask[]> {
  const revision = await findRevision(tx, stack.id, stack.revision);
  if (!revision) throw new Error(`stack ${stack.id} has no revision ${stack.revision}`);
  const agents = await listAgents(tx);
  const known = new Set(agents.map((agent) => agent.id));
  const everPlaced = (await listPlacements(tx, stack.id)).filter(({ agentId }) => known.has(agentId));
  const observed = await listContainersOfStacks(tx, [stack.name]);
  const inWork = await listContainersInWork(tx, stack.id);
  // A container of an older revision is observed, or its DELETE is still in work.
  const recent = everPlaced.filter((placement) => placement.revision >= stack.revision - 1);
  const current = everPlaced.filter((placement) => placement.revision === stack.revision);
  const input = {
    kind,
    spec: revision.spec,
    revision: revision.number,
    placed: revision.spec.services.flatMap((service) =>
      current
        .filter(({ name }) => name === service.container.name)
        .map(({ agentId }): Placed => ({ service, agentId })),
    ),
    present: [...observed, ...inWork, ...recent].filter(({ agentId }) => known.has(agentId)),
    involved: [...new Set(everPlaced.map(({ agentId }) => agentId))],
    online: new Set(agents.filter((agent) => agent.online).map((agent) => agent.id)),
    removeVolumes,
  };
  return onlyUnwanted ? planUnwanted(input) : plan(input);
}

async function insertPlan(tx: Tx, stackId: string, deploymentId: string, planned: readonly PlannedTask[]) {
  const ids = new Map(planned.map((task) => [task.key, randomUUID()]));
  const idOf = (key: string) => {
    const id = ids.get(key);
    if (id === undefined) throw new Error(`the plan has no task ${key}`);
    return id;
  };
  const blockers = planned.flatMap((task) =>
    [...new Set(task.blockedBy)].map((key) => ({ taskId: idOf(task.key), blockedBy: idOf(key) })),
  );
  const rows = planned.map(({ key, blockedBy, ...task }, position) => ({
    ...task,
    id: idOf(key),
    stackId,
    deploymentId,
    position,
    openBlockers: new Set(blockedBy).size,
  }));
  await insertTasks(tx, rows, blockers);
  await addEvents(
    tx,
    rows.map((row) => ({ taskId: row.id, status: 'PENDING', attempt: 0 })),
  );
}
