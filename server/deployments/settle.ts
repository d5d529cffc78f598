import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { Tx } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { agents, deployments, stacks, tasks } from '../db/tables.ts';
import type { TaskFailure } from '../db/values.ts';
import { addEvents, cancelDependants, type Moved, toEvents, unblockDependants } from '../tasks/store.ts';

/**
 * What follows, in the same transaction, when tasks have reached a terminal status: their dependants go on or are
 * cancelled, and a deployment whose last task ended gets its verdict.
 */
export async function endTasks(tx: Tx, ended: readonly Moved[]): Promise<void> {
  if (ended.length === 0) return;
  const completed = ended.filter((row) => row.status === 'COMPLETED').map((row) => row.id);
  const lost = ended.filter((row) => row.status !== 'COMPLETED').map((row) => row.id);
  const woken = await unblockDependants(tx, completed);
  const cancelled = await cancelDependants(tx, lost, 'a task it waited for did not complete');
  await addEvents(tx, toEvents(cancelled, 'a task it waited for did not complete'));
  await notify(tx, [...woken, ...cancelled.map((row) => row.agentId)].map(topic.pending));
  await settle(tx, [...new Set(ended.map((row) => row.deploymentId))]);
}

/** Gives a verdict to each of the deployments that has no unfinished task left. */
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
  for (const deployment of ready) {
    const outcome = await outcomeOf(tx, deployment);
    await tx
      .update(deployments)
      .set({ ...outcome, finishedAt: sql`now()` })
      .where(eq(deployments.id, deployment.id));
    if (deployment.kind === 'DELETE' && outcome.status === 'SUCCEEDED') await forget(tx, deployment.stackId);
  }
  await notify(tx, [...deploymentIds.map(topic.deployment), topic.stacks]);
}

type Verdict = 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'SUPERSEDED';
type Deployment = typeof deployments.$inferSelect;

async function outcomeOf(tx: Tx, deployment: Deployment): Promise<{ status: Verdict; cause: TaskFailure | null }> {
  const cause = await findCause(tx, deployment.id);
  if (deployment.supersededBy) return { status: 'SUPERSEDED', cause };
  if (cause) return { status: 'FAILED', cause };
  const cancelled = await tx.$count(tasks, and(eq(tasks.deploymentId, deployment.id), eq(tasks.status, 'CANCELLED')));
  if (cancelled === 0) return { status: 'SUCCEEDED', cause: null };
  const message = deployment.cancelRequestedAt
    ? 'it was cancelled on request'
    : `${cancelled} of its tasks were cancelled because their agent was removed`;
  return { status: 'CANCELLED', cause: { code: 'CANCELLED', message } };
}

/** The first task that failed says why. */
async function findCause(tx: Tx, deploymentId: string): Promise<TaskFailure | null> {
  const [first] = await tx
    .select({ task: tasks, agent: agents.name })
    .from(tasks)
    .innerJoin(agents, eq(agents.id, tasks.agentId))
    .where(and(eq(tasks.deploymentId, deploymentId), eq(tasks.status, 'FAILED')))
    .orderBy(asc(tasks.finishedAt), asc(tasks.position))
    .limit(1);
  if (!first) return null;
  const error = first.task.error ?? { code: 'UNKNOWN', message: 'the agent gave no reason' };
  return { ...error, taskId: first.task.id, agent: first.agent, containerName: first.task.containerName };
}

async function forget(tx: Tx, stackId: string): Promise<void> {
  await tx
    .update(stacks)
    .set({ deletedAt: sql`coalesce(${stacks.deletedAt}, now())`, updatedAt: sql`now()` })
    .where(and(eq(stacks.id, stackId), eq(stacks.desired, 'DELETED')));
}
