import { and, eq, inArray, sql } from 'drizzle-orm';
import { type Actor, audit } from '../base/audit.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { deployments, tasks } from '../db/tables.ts';
import type { Db, Tx } from '../db/types.ts';
import { cancelPending, requestCancel } from '../tasks/moves.ts';
import { addEvents, lockTasks, toEvents } from '../tasks/store.ts';
import { settle } from './settle.ts';
import { type DeploymentRow, getDeployment } from './store.ts';

/** Ends a deployment that has not finished. What it has done stays done. */
export function cancelDeployment(db: Db, actor: Actor, id: string): Promise<DeploymentRow> {
  return transact(db, async (tx) => {
    const [deployment] = await tx.select().from(deployments).where(eq(deployments.id, id)).for('update');
    if (!deployment) throw notFound('deployment', id);
    if (deployment.status === 'CANCELLED' || (deployment.cancelRequestedAt && !deployment.finishedAt))
      return deployment;
    if (deployment.finishedAt) {
      throw new GraphiumError('CONFLICT', `The deployment is ${deployment.status} and cannot be cancelled any more.`);
    }
    await tx.update(deployments).set({ cancelRequestedAt: sql`now()` }).where(eq(deployments.id, id));
    await endUnfinishedTasks(tx, id, `cancelled by ${actor.name}`);
    await audit(tx, actor, 'cancelDeployment', id);
    return getDeployment(tx, id);
  });
}

export async function markSuperseded(tx: Tx, oldIds: readonly string[], newId: string): Promise<void> {
  if (oldIds.length === 0) return;
  await tx
    .update(deployments)
    .set({ supersededBy: newId })
    .where(inArray(deployments.id, [...oldIds]));
}

/** Cancels waiting tasks at once, and asks the agents of running ones to stop at a safe point. */
export async function endUnfinishedTasks(tx: Tx, deploymentId: string, reason: string): Promise<void> {
  await lockTasks(tx, and(eq(tasks.deploymentId, deploymentId), inArray(tasks.status, ['PENDING', 'RUNNING'])));
  const ofIt = eq(tasks.deploymentId, deploymentId);
  const [cancelled, asked] = await Promise.all([cancelPending(tx, ofIt, reason), requestCancel(tx, ofIt)]);
  await addEvents(tx, toEvents([...cancelled, ...asked], reason));
  // Tasks wait for others of their own deployment only, so nothing is left that waits.
  await settle(tx, [deploymentId]);
  await notify(
    tx,
    [...asked, ...cancelled].map((row) => topic.pending(row.agentId)),
  );
  await notify(tx, [topic.deployment(deploymentId), topic.tasks]);
}
