import { and, asc, eq, inArray, isNull, ne, sql } from 'drizzle-orm';
import { notify, topic } from '../db/notify.ts';
import { agents, deployments, stacks, tasks } from '../db/tables.ts';
import type { Tx } from '../db/types.ts';
import type { TaskFailure } from '../db/values.ts';
import {
  cancelDependants,
  openBarriers,
  type Released,
  unblockDependants,
  unblockOptional,
} from '../tasks/blockers.ts';
import { addEvents, cancelPending, type Moved, requestCancel, toEvents } from '../tasks/store.ts';

/**
 * What follows, in the same transaction, when tasks have reached a terminal status: their dependants go on or are
 * cancelled, a failure ends a deployment that is to be rolled back, and one whose last task ended gets its verdict.
 */
export async function endTasks(tx: Tx, ended: readonly Moved[]): Promise<void> {
  if (ended.length === 0) return;
  const completed = ended.filter((row) => row.status === 'COMPLETED').map((row) => row.id);
  const lost = ended.filter((row) => row.status !== 'COMPLETED').map((row) => row.id);
  const cancelled = [...(await loseDependants(tx, lost)), ...(await giveUp(tx, ended))];
  const given = [...lost, ...cancelled.map((row) => row.id)];
  const deploymentIds = [...new Set(ended.map((row) => row.deploymentId))];
  await announce(tx, [
    await unblockDependants(tx, completed),
    await unblockOptional(tx, given),
    await openBarriers(tx, deploymentIds),
  ]);
  await notify(
    tx,
    cancelled.map((row) => topic.pending(row.agentId)),
  );
  await settle(tx, deploymentIds);
}

/** A pause may have begun: whoever waits for times looks again. */
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

/** Deployments that are to be rolled back lose no more time: what waits is cancelled, what runs is asked to stop. */
async function giveUp(tx: Tx, ended: readonly Moved[]): Promise<Moved[]> {
  const failed = ended.filter((row) => row.status === 'FAILED').map((row) => row.id);
  if (failed.length === 0) return [];
  const doomed = await tx
    .selectDistinct({ id: deployments.id })
    .from(tasks)
    .innerJoin(deployments, eq(deployments.id, tasks.deploymentId))
    .innerJoin(stacks, eq(stacks.id, deployments.stackId))
    .where(and(inArray(tasks.id, failed), eq(tasks.mayFail, false), isToGoBack));
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

/** Gives a verdict to each of the deployments that has no unfinished task left, or has its way back planned. */
export async function settle(tx: Tx, deploymentIds: readonly string[]): Promise<void> {
  if (deploymentIds.length === 0) return;
  // A statement of its own: whoever waited for the lock must see what its holder wrote, or both leave it unsettled.
  const chosen = inArray(deployments.id, [...deploymentIds]);
  await tx.select({ id: deployments.id }).from(deployments).where(chosen).orderBy(asc(deployments.id)).for('update');
  const ready = await tx
    .select()
    .from(deployments)
    .where(
      and(
        chosen,
        isNull(deployments.finishedAt),
        sql`not exists (select 1 from ${tasks} where ${tasks.deploymentId} = ${deployments.id} and ${tasks.status} in ('PENDING', 'RUNNING'))`,
      ),
    )
    .orderBy(asc(deployments.id));
  for (const deployment of ready) await conclude(tx, deployment);
  await notify(tx, [...deploymentIds.map(topic.deployment), topic.stacks]);
}

type Deployment = typeof deployments.$inferSelect;

async function conclude(tx: Tx, deployment: Deployment): Promise<void> {
  const { status, cause, isTolerated } = await outcomeOf(tx, deployment);
  const ofIt = eq(deployments.id, deployment.id);
  if (status === 'FAILED' && !isTolerated && (await goesBack(tx, deployment.id))) {
    await tx.update(deployments).set({ cause, rollbackDueAt: sql`now()`, deadline: null }).where(ofIt);
    return notify(tx, [topic.due]);
  }
  await tx.update(deployments).set({ status, cause, rollbackDueAt: null, finishedAt: sql`now()` }).where(ofIt);
  const { stackId, kind, revision, services } = deployment;
  if (kind === 'DELETE' && status === 'SUCCEEDED') await forget(tx, stackId);
  const good = status === 'ROLLED_BACK' ? deployment.rollbackRevision : status === 'SUCCEEDED' ? revision : null;
  // A repair that was about no service has only removed something: it says nothing of the revision.
  const isWhole = kind === 'DEPLOY' || kind === 'ROLLBACK' || (kind === 'REPAIR' && services === null);
  if (good !== null && isWhole) {
    await tx.update(stacks).set({ goodRevision: good }).where(eq(stacks.id, stackId));
  }
}

/** What a failure of a deployment leads to: only where there is something to go back to, and nobody wanted it ended. */
const isToGoBack = and(
  eq(deployments.onFailure, 'ROLLBACK'),
  isNull(deployments.rollbackRevision),
  isNull(deployments.cancelRequestedAt),
  isNull(deployments.supersededBy),
  ne(stacks.goodRevision, deployments.revision),
  eq(stacks.desired, 'RUNNING'),
);

async function goesBack(tx: Tx, deploymentId: string): Promise<boolean> {
  const found = await tx
    .select({ id: deployments.id })
    .from(deployments)
    .innerJoin(stacks, eq(stacks.id, deployments.stackId))
    .where(and(eq(deployments.id, deploymentId), isToGoBack));
  return found.length > 0;
}

type Verdict = 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'SUPERSEDED' | 'ROLLED_BACK';

/** `isTolerated`: only such tasks failed whose failure is to hinder nothing. */
type Outcome = { status: Verdict; cause: TaskFailure | null; isTolerated?: boolean };

async function outcomeOf(tx: Tx, deployment: Deployment): Promise<Outcome> {
  const { cause: before, rollbackRevision } = deployment;
  const found = before ? null : await findCause(tx, deployment.id, false);
  const cause = before ?? found?.cause ?? null;
  if (deployment.supersededBy) return { status: 'SUPERSEDED', cause };
  if (rollbackRevision !== null) return outcomeOfRollback(tx, deployment);
  if (cause) return { status: 'FAILED', cause, isTolerated: found?.isTolerated ?? false };
  const cancelled = await countCancelled(tx, deployment.id, false);
  if (cancelled === 0) return { status: 'SUCCEEDED', cause: null };
  const message = deployment.cancelRequestedAt
    ? 'it was cancelled on request'
    : `${cancelled} of its tasks were cancelled because their agent was removed`;
  return { status: 'CANCELLED', cause: { code: 'CANCELLED', message } };
}

/** The cause stays what made it go back. */
async function outcomeOfRollback(tx: Tx, { id, cause, cancelRequestedAt }: Deployment): Promise<Outcome> {
  const original = cause ?? { code: 'UNKNOWN', message: 'the reason was lost' };
  const failure = await findCause(tx, id, true);
  const cancelled = failure ? 0 : await countCancelled(tx, id, true);
  if (!failure && cancelled === 0) return { status: 'ROLLED_BACK', cause: original };
  const why = failure
    ? failure.cause.message
    : cancelRequestedAt
      ? 'it was cancelled on request'
      : 'an agent was removed';
  const message = `${sentence(original.message)} The way back did not succeed either: ${why}`;
  return { status: 'FAILED', cause: { ...original, message } };
}

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

function countCancelled(tx: Tx, deploymentId: string, rollback: boolean): Promise<number> {
  return tx.$count(
    tasks,
    and(eq(tasks.deploymentId, deploymentId), eq(tasks.status, 'CANCELLED'), eq(tasks.rollback, rollback)),
  );
}

/** The first task that failed says why. */
async function findCause(
  tx: Tx,
  deploymentId: string,
  rollback: boolean,
): Promise<{ cause: TaskFailure; isTolerated: boolean } | null> {
  const [first] = await tx
    .select({ task: tasks, agent: agents.name })
    .from(tasks)
    .innerJoin(agents, eq(agents.id, tasks.agentId))
    .where(and(eq(tasks.deploymentId, deploymentId), eq(tasks.status, 'FAILED'), eq(tasks.rollback, rollback)))
    .orderBy(asc(tasks.mayFail), asc(tasks.finishedAt), asc(tasks.position))
    .limit(1);
  if (!first) return null;
  const error = first.task.error ?? { code: 'UNKNOWN', message: 'the agent gave no reason' };
  const { id: taskId, containerName, mayFail: isTolerated } = first.task;
  return { cause: { ...error, taskId, agent: first.agent, containerName }, isTolerated };
}

async function forget(tx: Tx, stackId: string): Promise<void> {
  await tx
    .update(stacks)
    .set({ deletedAt: sql`coalesce(${stacks.deletedAt}, now())`, updatedAt: sql`now()` })
    .where(and(eq(stacks.id, stackId), eq(stacks.desired, 'DELETED')));
}
