import { and, asc, eq, inArray, isNull, ne, sql } from 'drizzle-orm';
import { notify, topic } from '../db/notify.ts';
import { deployments, stacks, tasks } from '../db/tables.ts';
import type { Tx } from '../db/types.ts';
import {
  cancelDependants,
  openImageGates,
  type Released,
  unblockDependants,
  unblockOptional,
} from '../tasks/blockers.ts';
import { cancelPending, requestCancel } from '../tasks/moves.ts';
import { addEvents, type Moved, toEvents } from '../tasks/store.ts';
import { BRINGS_ALL, type DeploymentRow } from './store.ts';
import { outcomeOf } from './verdict.ts';

/**
 * Does what follows, in the same transaction, when tasks have reached a terminal status: unblocks or cancels their
 * dependants, ends a deployment that is to be rolled back, and gives one whose last task ended its verdict.
 * @param events what is to be noted of how they moved
 */
export async function endTasks(
  tx: Tx,
  ended: readonly Moved[],
  events: Parameters<typeof addEvents>[1] = [],
): Promise<void> {
  if (ended.length === 0) return addEvents(tx, events);
  const completed = ended.filter((row) => row.status === 'COMPLETED').map((row) => row.id);
  const lost = ended.filter((row) => row.status !== 'COMPLETED').map((row) => row.id);
  // What came of it is told after it.
  if (lost.length > 0) await addEvents(tx, events);
  const cancelled = [...(await loseDependants(tx, lost)), ...(await abandonDoomed(tx, ended))];
  const given = [...lost, ...cancelled.map((row) => row.id)];
  const deploymentIds = [...new Set(ended.map((row) => row.deploymentId))];
  const [, ...released] = await Promise.all([
    addEvents(tx, lost.length > 0 ? [] : events),
    unblockDependants(tx, completed),
    unblockOptional(tx, given),
    openImageGates(tx, deploymentIds),
  ]);
  await announce(tx, released);
  await notify(
    tx,
    cancelled.map((row) => topic.pending(row.agentId)),
  );
  await settle(tx, deploymentIds);
}

/** Wakes the agents of unblocked tasks, and the clock: a pause may have begun. */
export async function announce(tx: Tx, released: readonly Released[]): Promise<void> {
  const agentIds = released.flatMap((one) => one.agentIds);
  if (agentIds.length > 0) await notify(tx, [...agentIds.map(topic.pending), topic.due]);
}

async function loseDependants(tx: Tx, lost: readonly string[]): Promise<Moved[]> {
  const reason = 'a task it waited for did not complete';
  const cancelled = await cancelDependants(tx, lost, reason);
  await addEvents(tx, toEvents(cancelled, reason));
  return cancelled;
}

/** Loses no more time on deployments that will be rolled back: cancels what waits and asks what runs to stop. */
async function abandonDoomed(tx: Tx, ended: readonly Moved[]): Promise<Moved[]> {
  const failed = ended.filter((row) => row.status === 'FAILED').map((row) => row.id);
  if (failed.length === 0) return [];
  const doomed = await tx
    .selectDistinct({ id: deployments.id })
    .from(tasks)
    .innerJoin(deployments, eq(deployments.id, tasks.deploymentId))
    .innerJoin(stacks, eq(stacks.id, deployments.stackId))
    .where(and(inArray(tasks.id, failed), eq(tasks.optional, false), isToRollBack));
  if (doomed.length === 0) return [];
  const reason = 'another task failed and the stack is rolled back';
  const ofThem = inArray(
    tasks.deploymentId,
    doomed.map(({ id }) => id),
  );
  const cancelled = await cancelPending(tx, ofThem, reason);
  const asked = await requestCancel(tx, ofThem);
  await addEvents(tx, toEvents([...cancelled, ...asked], reason));
  await notify(
    tx,
    asked.map((row) => topic.pending(row.agentId)),
  );
  return cancelled;
}

/** Gives a verdict to each of the deployments that has no unfinished task left, or makes its rollback due. */
export async function settle(tx: Tx, deploymentIds: readonly string[]): Promise<void> {
  if (deploymentIds.length === 0) return;
  // The lock is a statement of its own: who waited for it must see what its holder wrote, or both leave it unsettled.
  const chosen = inArray(deployments.id, [...deploymentIds]);
  const [, ready] = await Promise.all([
    tx.select({ id: deployments.id }).from(deployments).where(chosen).orderBy(asc(deployments.id)).for('update'),
    tx
      .select()
      .from(deployments)
      .where(
        and(
          chosen,
          isNull(deployments.finishedAt),
          sql`not exists (select 1 from ${tasks} where ${tasks.deploymentId} = ${deployments.id} and ${tasks.status} in ('PENDING', 'RUNNING'))`,
        ),
      )
      .orderBy(asc(deployments.id)),
  ]);
  for (const deployment of ready) await giveVerdict(tx, deployment);
  await notify(tx, [...deploymentIds.map(topic.deployment), topic.stacks]);
}

async function giveVerdict(tx: Tx, deployment: DeploymentRow): Promise<void> {
  const { status, cause, isOptional } = await outcomeOf(tx, deployment);
  const ofIt = eq(deployments.id, deployment.id);
  if (status === 'FAILED' && !isOptional && (await willRollBack(tx, deployment.id))) {
    // The way back may take as long as the deployment was given.
    const deadline = sql`now() + make_interval(secs => ${deployments.timeoutSeconds})`;
    await tx.update(deployments).set({ cause, rollbackDueAt: sql`now()`, deadline }).where(ofIt);
    return notify(tx, [topic.due]);
  }
  await tx.update(deployments).set({ status, cause, rollbackDueAt: null, finishedAt: sql`now()` }).where(ofIt);
  const { stackId, kind, revision } = deployment;
  if (kind === 'DELETE' && status === 'SUCCEEDED') await forget(tx, stackId);
  // A task that failed while the deployment was being cancelled makes it FAILED, and it is cancelled all the same.
  const isCancelled = deployment.cancelRequestedAt !== null && (status === 'CANCELLED' || status === 'FAILED');
  if (isCancelled) await restoreDesired(tx, deployment);
  const good = status === 'ROLLED_BACK' ? deployment.rollbackRevision : status === 'SUCCEEDED' ? revision : null;
  if (good !== null && bringsAll(deployment)) {
    await tx.update(stacks).set({ goodRevision: good }).where(eq(stacks.id, stackId));
  }
}

const bringsAll = ({ kind, services }: DeploymentRow): boolean =>
  BRINGS_ALL.has(kind) || (kind === 'RESTART' && services === null);

/** A failure leads to a rollback only where there is a good revision to return to and nobody wanted the deployment ended. */
const isToRollBack = and(
  eq(deployments.onFailure, 'ROLLBACK'),
  isNull(deployments.rollbackRevision),
  isNull(deployments.cancelRequestedAt),
  isNull(deployments.supersededBy),
  ne(stacks.goodRevision, deployments.revision),
  eq(stacks.desired, 'RUNNING'),
);

async function willRollBack(tx: Tx, deploymentId: string): Promise<boolean> {
  const found = await tx
    .select({ id: deployments.id })
    .from(deployments)
    .innerJoin(stacks, eq(stacks.id, deployments.stackId))
    .where(and(eq(deployments.id, deploymentId), isToRollBack));
  return found.length > 0;
}

/** What has not happened yet does not happen later either: nobody may stop or delete the rest by itself. */
async function restoreDesired(tx: Tx, { stackId, kind, desiredBefore }: DeploymentRow): Promise<void> {
  const isOfState = kind === 'STOP' || kind === 'START' || kind === 'DELETE';
  // What was stopped is not started by somebody else.
  if (desiredBefore === null || desiredBefore === 'DELETED' || !(isOfState || desiredBefore === 'STOPPED')) return;
  await tx
    .update(stacks)
    .set({ desired: desiredBefore, updatedAt: sql`now()` })
    .where(and(eq(stacks.id, stackId), isNull(stacks.deletedAt)));
}

/** Takes a deleted stack off the lists. */
async function forget(tx: Tx, stackId: string): Promise<void> {
  await tx
    .update(stacks)
    .set({ deletedAt: sql`coalesce(${stacks.deletedAt}, now())`, updatedAt: sql`now()` })
    .where(and(eq(stacks.id, stackId), eq(stacks.desired, 'DELETED')));
}
