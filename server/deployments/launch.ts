import { randomUUID } from 'node:crypto';
import { type Actor, audit } from '../base/audit.ts';
import { notify, topic } from '../db/notify.ts';
import type { Tx } from '../db/types.ts';
import type { Warning } from '../db/values.ts';
import { placedOf } from '../planning/placed.ts';
import { type Plan, plan } from '../planning/plan.ts';
import type { PlanKind } from '../planning/plan-input.ts';
import { findRevision, listPlacements, type StackRow, updateStack } from '../stacks/store.ts';
import { addEvents, insertTasks } from '../tasks/store.ts';
import { supersede } from './cancel.ts';
import { type Aim, type AimOptions, readSituation } from './plan-input.ts';
import { settle } from './settle.ts';
import { type DeploymentRow, insertDeployment, lockUnfinished } from './store.ts';

/** What a caller may say about any operation. */
export type LaunchOptions = {
  /** Above 0: before the tasks of other deployments that wait for the same host. */
  priority: number;
  maxRetries: number;
  onFailure: 'ROLLBACK' | 'KEEP' | null;
  timeoutSeconds: number | null;
  taskTimeoutSeconds: number | null;
};

export const DEFAULTS: LaunchOptions = {
  priority: 0,
  maxRetries: 2,
  onFailure: null,
  timeoutSeconds: null,
  taskTimeoutSeconds: null,
};

export type Launch = AimOptions & {
  desired: StackRow['desired'];
  options: LaunchOptions;
  idempotencyKey: string | null;
  inputHash: string;
  retryOf: string | null;
  warnings: readonly Warning[];
};

/** A stack as its current revision wants it. */
export async function currentAim(tx: Tx, stack: StackRow): Promise<Aim> {
  const revision = await findRevision(tx, stack.id, stack.revision);
  if (!revision) throw new Error(`stack ${stack.id} has no revision ${stack.revision}`);
  const placements = (await listPlacements(tx, stack.id))
    .filter((placement) => placement.revision === stack.revision)
    .map(({ agentId, name }) => ({ agentId, containerName: name }));
  return {
    name: stack.name,
    spec: revision.spec,
    revision: revision.number,
    placed: placedOf(revision.spec, placements),
  };
}

/** Supersedes what is unfinished and puts the new plan in its place. The caller holds the planning lock. */
export async function launch(tx: Tx, actor: Actor, stack: StackRow, aim: Aim, launch: Launch): Promise<string> {
  const id = randomUUID();
  const unfinished = await lockUnfinished(tx, stack.id);
  await updateStack(tx, stack.id, { desired: launch.desired });
  const removeVolumes = launch.removeVolumes || owesVolumes(launch.kind, unfinished);
  const planned = plan(await readSituation(tx, stack, aim, { ...launch, removeVolumes }));
  const { kind, options, services = null, idempotencyKey, inputHash, retryOf } = launch;
  const { timeoutSeconds, onFailure, ...rest } = options;
  await insertDeployment(
    tx,
    {
      ...rest,
      id,
      stackId: stack.id,
      kind,
      revision: aim.revision,
      removeVolumes,
      services: services && [...services],
      onFailure: onFailure ?? defaultOnFailure(kind, aim),
      warnings: [...launch.warnings],
      idempotencyKey,
      inputHash,
      retryOf,
      createdBy: actor.name,
    },
    timeoutSeconds,
  );
  for (const old of unfinished) await supersede(tx, old.id, id);
  await insertPlan(tx, { stackId: stack.id, deploymentId: id, rollback: false }, options, planned);
  await settle(tx, [id]);
  await audit(tx, actor, `${kind.toLowerCase()}Stack`, stack.name, { deploymentId: id, revision: aim.revision });
  return id;
}

/** A deletion that is not through yet still owes what was asked of it. */
const owesVolumes = (kind: PlanKind, unfinished: readonly DeploymentRow[]) =>
  kind === 'DELETE' && unfinished.some((row) => row.kind === 'DELETE' && row.removeVolumes);

/** A service that says `pause` keeps what a failure left; for all that say nothing, back is the safe way. */
export function defaultOnFailure(kind: PlanKind, { spec }: Aim): 'ROLLBACK' | 'KEEP' {
  if (kind !== 'DEPLOY' && kind !== 'ROLLBACK') return 'KEEP';
  return spec.services.some(({ update }) => update?.failureAction === 'pause') ? 'KEEP' : 'ROLLBACK';
}

/** One user step of priority weighs more than all differences between the tasks of one plan. */
const PRIORITY_STEP = 100;

export async function insertPlan(
  tx: Tx,
  of: { stackId: string; deploymentId: string; rollback: boolean },
  { priority, maxRetries, taskTimeoutSeconds }: Pick<LaunchOptions, 'priority' | 'maxRetries' | 'taskTimeoutSeconds'>,
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
    (blockersOf.get(task.key) ?? []).map(({ key, condition, required }) => ({
      taskId: idOf(task.key),
      blockedBy: idOf(key),
      condition,
      required,
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
  await addEvents(
    tx,
    rows.map((row) => ({ taskId: row.id, status: 'PENDING', attempt: 0 })),
  );
  await notify(tx, [
    ...tasks.map((task) => topic.pending(task.agentId)),
    topic.deployment(of.deploymentId),
    topic.stacks,
    topic.tasks,
    topic.agents,
  ]);
}
