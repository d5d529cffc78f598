import { and, asc, eq, sql } from 'drizzle-orm';
import { agents, tasks } from '../db/tables.ts';
import type { Tx } from '../db/types.ts';
import type { TaskFailure } from '../db/values.ts';
import type { DeploymentRow } from './store.ts';

type Verdict = 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'SUPERSEDED' | 'ROLLED_BACK';

/** `isOptional`: only optional tasks failed. */
type Outcome = { status: Verdict; cause: TaskFailure | null; isOptional?: boolean };

/** Returns the verdict of a deployment whose tasks have all ended. */
export async function outcomeOf(tx: Tx, deployment: DeploymentRow): Promise<Outcome> {
  const { cause: before, rollbackRevision } = deployment;
  const found = before ? null : await findCause(tx, deployment.id, false);
  const cause = before ?? found?.cause ?? null;
  if (deployment.supersededBy) return { status: 'SUPERSEDED', cause };
  if (rollbackRevision !== null) return outcomeOfRollback(tx, deployment);
  if (cause) return { status: 'FAILED', cause, isOptional: found?.isOptional ?? false };
  const cancelled = await countCancelled(tx, deployment, false);
  if (cancelled === 0) return { status: 'SUCCEEDED', cause: null };
  const message = deployment.cancelRequestedAt
    ? 'it was cancelled on request'
    : `${cancelled} of its tasks were cancelled because their agent was removed`;
  return { status: 'CANCELLED', cause: { code: 'CANCELLED', message } };
}

/** The cause stays what led to the rollback. */
async function outcomeOfRollback(tx: Tx, deployment: DeploymentRow): Promise<Outcome> {
  const { id, cause } = deployment;
  const original = cause ?? { code: 'UNKNOWN', message: 'the reason was lost' };
  const failure = await findCause(tx, id, true);
  const cancelled = failure ? 0 : await countCancelled(tx, deployment, true);
  if (!failure && cancelled === 0) return { status: 'ROLLED_BACK', cause: original };
  const why = failure ? failure.cause.message : whyCancelled(deployment);
  const message = `${sentence(original.message)} The rollback failed too: ${why}`;
  return { status: 'FAILED', cause: { ...original, message } };
}

function whyCancelled({ cancelRequestedAt, timeoutSeconds, deadline }: DeploymentRow): string {
  if (cancelRequestedAt) return 'it was cancelled on request';
  if (timeoutSeconds !== null && deadline === null) return `it was not done within ${timeoutSeconds} s`;
  return 'an agent was removed';
}

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** A deletion owes nothing to the host of an agent that was removed: nobody can do anything there any more. */
function countCancelled(tx: Tx, { id, kind }: DeploymentRow, rollback: boolean): Promise<number> {
  const isOwed = sql`exists (select 1 from ${agents} where ${agents.id} = ${tasks.agentId} and ${agents.removedAt} is null)`;
  return tx.$count(
    tasks,
    and(
      eq(tasks.deploymentId, id),
      eq(tasks.status, 'CANCELLED'),
      eq(tasks.rollback, rollback),
      kind === 'DELETE' ? isOwed : undefined,
    ),
  );
}

/** Finds the first task that failed, which says why; one that was optional only if no other failed. */
async function findCause(
  tx: Tx,
  deploymentId: string,
  rollback: boolean,
): Promise<{ cause: TaskFailure; isOptional: boolean } | null> {
  const [first] = await tx
    .select({ task: tasks, agent: agents.name })
    .from(tasks)
    .innerJoin(agents, eq(agents.id, tasks.agentId))
    .where(and(eq(tasks.deploymentId, deploymentId), eq(tasks.status, 'FAILED'), eq(tasks.rollback, rollback)))
    .orderBy(asc(tasks.optional), asc(tasks.finishedAt), asc(tasks.position))
    .limit(1);
  if (!first) return null;
  const error = first.task.error ?? { code: 'UNKNOWN', message: 'the agent gave no reason' };
  const { id: taskId, containerName, optional: isOptional } = first.task;
  return { cause: { ...error, taskId, agent: first.agent, containerName }, isOptional };
}
