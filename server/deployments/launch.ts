import { randomUUID } from 'node:crypto';
import { type Actor, audit } from '../base/audit.ts';
import { notify, topic } from '../db/notify.ts';
import type { Tx } from '../db/types.ts';
import type { Warning } from '../db/values.ts';
import { placedOf } from '../planning/placed.ts';
import { type Plan, plan } from '../planning/plan.ts';
import type { PlanInput, PlanKind } from '../planning/plan-input.ts';
import { findRevision, listPlacements, type StackRow, updateStack } from '../stacks/store.ts';
import { insertTasks } from '../tasks/store.ts';
import { endUnfinishedTasks, markSuperseded } from './cancel.ts';
import { type PlanOptions, readPlanInput, type Target } from './plan-input.ts';
import { settle } from './settle.ts';
import { type DeploymentRow, findLatestDeployment, getDeployment, insertDeployment, lockUnfinished } from './store.ts';

/** What a caller may say about any operation. */
export type OperationOptions = {
  /** Tasks with a higher priority go before those of other deployments that wait for the same host. */
  priority: number;
  maxRetries: number;
  onFailure: 'ROLLBACK' | 'KEEP' | null;
  timeoutSeconds: number | null;
  taskTimeoutSeconds: number | null;
};

export const DEFAULTS: OperationOptions = {
  priority: 0,
  maxRetries: 2,
  onFailure: null,
  timeoutSeconds: null,
  taskTimeoutSeconds: null,
};

export type NewOperation = PlanOptions & {
  desired: StackRow['desired'];
  options: OperationOptions;
  idempotencyKey: string | null;
  inputHash: string;
  retryOf: string | null;
  warnings: readonly Warning[];
};

/** Returns what the current revision of a stack wants. */
export async function currentTarget(tx: Tx, stack: StackRow): Promise<Target> {
  const revision = await findRevision(tx, stack.id, stack.revision);
  if (!revision) throw new Error(`stack ${stack.id} has no revision ${stack.revision}`);
  const placements = await listPlacements(tx, stack.id, stack.revision);
  return {
    name: stack.name,
    spec: revision.spec,
    revision: revision.number,
    placed: placedOf(revision.spec, placements),
  };
}

/**
 * Supersedes the unfinished deployments of the stack and puts the new plan in their place. The caller holds the planning
 * lock.
 * @param agree gets the very plan that will be carried out, and throws if that is not what was agreed to
 */
export async function launch(
  tx: Tx,
  actor: Actor,
  stack: StackRow,
  target: Target,
  operation: NewOperation,
  agree?: (input: PlanInput, planned: Plan) => Promise<void>,
): Promise<DeploymentRow> {
  const id = randomUUID();
  const { desired } = operation;
  const unfinished = await lockUnfinished(tx, stack.id);
  const [input, latest] = await Promise.all([
    readPlanInput(tx, stack, target, operation),
    findLatestDeployment(tx, stack.id),
    updateStack(tx, stack.id, { desired }),
  ]);
  const desiredBefore = desiredBeforeOf(latest, stack.desired, operation);
  const planned = plan(input);
  await agree?.(input, planned);
  const { kind, options, services = null, idempotencyKey, inputHash, retryOf } = operation;
  const { onFailure, ...rest } = options;
  const row = {
    ...rest,
    id,
    stackId: stack.id,
    kind,
    revision: target.revision,
    removeVolumes: operation.removeVolumes ?? false,
    desiredBefore,
    services: services && [...services],
    onFailure: onFailure ?? defaultOnFailure(kind, target),
    warnings: [...operation.warnings],
    idempotencyKey,
    inputHash,
    retryOf,
    createdBy: actor.name,
  };
  const oldIds = unfinished.map((old) => old.id);
  await Promise.all([insertDeployment(tx, row), markSuperseded(tx, oldIds, id)]);
  for (const oldId of oldIds) await endUnfinishedTasks(tx, oldId, `superseded by deployment ${id}`);
  await insertPlan(tx, { stackId: stack.id, deploymentId: id, rollback: false }, options, planned);
  if (planned.tasks.length === 0) await settle(tx, [id]);
  const [deployment] = await Promise.all([
    getDeployment(tx, id),
    audit(tx, actor, ACTIONS[kind], stack.name, { deploymentId: id, revision: target.revision }),
  ]);
  return deployment;
}

/**
 * What a cancelled operation goes back to: what was desired, or was before the same operation that it repeats or takes over.
 * A stop that somebody takes over before it is done has stopped nothing for good, and nothing is deleted because what came
 * after a deletion was cancelled.
 */
function desiredBeforeOf(
  latest: DeploymentRow | undefined,
  desired: StackRow['desired'],
  { kind }: NewOperation,
): 'RUNNING' | 'STOPPED' {
  const isUnfinished = latest?.finishedAt === null;
  const isRepeated = latest?.status === 'FAILED' && latest.kind === kind && (kind === 'STOP' || kind === 'DELETE');
  const isTakenOver = isUnfinished && (latest?.kind === kind || latest?.desiredBefore === 'RUNNING');
  const before = (isRepeated || isTakenOver ? latest?.desiredBefore : null) ?? desired;
  return before === 'DELETED' ? 'RUNNING' : before;
}

/** What the audit log calls each operation: as the API does. */
const ACTIONS: Record<PlanKind, string> = {
  DEPLOY: 'deployStack',
  STOP: 'stopStack',
  START: 'startStack',
  RESTART: 'restartStack',
  DELETE: 'deleteStack',
  ROLLBACK: 'rollbackStack',
  REPAIR: 'repairStack',
  REMOVE_ORPHANS: 'removeOrphans',
};

/** A service that says `pause` wants to keep what a failure left; for all others a rollback is the safe way. */
export function defaultOnFailure(kind: PlanKind, { spec }: Target): 'ROLLBACK' | 'KEEP' {
  if (kind !== 'DEPLOY' && kind !== 'ROLLBACK') return 'KEEP';
  return spec.services.some(({ update }) => update?.failureAction === 'pause') ? 'KEEP' : 'ROLLBACK';
}

/** One step of priority that a user gives weighs more than all differences between the tasks of one plan. */
const PRIORITY_STEP = 100;

export async function insertPlan(
  tx: Tx,
  of: { stackId: string; deploymentId: string; rollback: boolean },
  {
    priority,
    maxRetries,
    taskTimeoutSeconds,
  }: Pick<OperationOptions, 'priority' | 'maxRetries' | 'taskTimeoutSeconds'>,
  { tasks }: Plan,
  firstPosition = 0,
): Promise<void> {
  const ids = new Map(tasks.map((task) => [task.key, randomUUID()]));
  const idOf = (key: string) => {
    const id = ids.get(key);
    if (id === undefined) throw new Error(`the plan has no task ${key}`);
    return id;
  };
  const blockersOf = new Map(
    tasks.map((task) => [task.key, [...new Map(task.blockedBy.map((blocker) => [blocker.key, blocker])).values()]]),
  );
  const blockers = tasks.flatMap((task) =>
    (blockersOf.get(task.key) ?? []).map(({ key, condition, optional }) => ({
      taskId: idOf(task.key),
      blockedBy: idOf(key),
      condition,
      optional,
    })),
  );
  const rows = tasks.map(({ key, blockedBy: _blockedBy, ...task }, index) => ({
    ...task,
    ...of,
    id: idOf(key),
    position: firstPosition + index,
    priority: priority * PRIORITY_STEP + task.priority,
    maxFailures: maxRetries + 1,
    timeoutSeconds: taskTimeoutSeconds,
    openBlockers: blockersOf.get(key)?.length ?? 0,
  }));
  await insertTasks(tx, rows, blockers);
  await notify(tx, [
    ...tasks.map((task) => topic.pending(task.agentId)),
    topic.deployment(of.deploymentId),
    topic.stacks,
    topic.tasks,
    topic.agents,
  ]);
}
