import { and, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import { notify, topic } from '../db/notify.ts';
import { tasks } from '../db/tables.ts';
import type { Tx } from '../db/types.ts';
import { endTasks } from '../deployments/settle.ts';
import { addEvents, lockTasks, moved, TIMED_OUT, toEvents } from '../tasks/store.ts';

/**
 * Tasks past their own time limit: those that run are asked to stop at a safe point, those that wait fail now. One that is
 * to be cancelled anyway ends as that.
 */
export async function stopTimedOut(tx: Tx): Promise<void> {
  const isLate = and(
    isNotNull(tasks.timeoutSeconds),
    isNull(tasks.timedOutAt),
    isNull(tasks.cancelRequestedAt),
    sql`${tasks.status} in ('PENDING', 'RUNNING')`,
    sql`${tasks.startedAt} + make_interval(secs => ${tasks.timeoutSeconds}) < now()`,
  );
  await lockTasks(tx, isLate);
  const timedOutAt = sql`now()`;
  const asked = await tx
    .update(tasks)
    .set({ timedOutAt, cancelRequestedAt: timedOutAt })
    .where(and(isLate, eq(tasks.status, 'RUNNING')))
    .returning(moved);
  const failed = await tx
    .update(tasks)
    .set({ timedOutAt, status: 'FAILED', error: TIMED_OUT, finishedAt: sql`now()` })
    .where(and(isLate, eq(tasks.status, 'PENDING')))
    .returning(moved);
  await addEvents(tx, toEvents([...asked, ...failed], TIMED_OUT.message));
  await endTasks(tx, failed);
  await notify(tx, [
    ...asked.map((row) => topic.pending(row.agentId)),
    ...asked.map((row) => topic.deployment(row.deploymentId)),
  ]);
}
