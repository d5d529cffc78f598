import { and, isNotNull, isNull, sql } from 'drizzle-orm';
import { notify, topic } from '../db/notify.ts';
import { tasks } from '../db/tables.ts';
import type { Tx } from '../db/types.ts';
import { endTasks } from '../deployments/settle.ts';
import { failTimedOut, requestTimeOut, TIMED_OUT } from '../tasks/moves.ts';
import { addEvents, lockTasks, toEvents } from '../tasks/store.ts';

/**
 * Ends tasks that are past their own time limit: the agents of running ones are asked to stop at a safe point, waiting ones
 * fail now. A task that is to be cancelled anyway ends as cancelled.
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
  const asked = await requestTimeOut(tx, isLate);
  const failed = await failTimedOut(tx, isLate);
  await addEvents(tx, toEvents([...asked, ...failed], TIMED_OUT.message));
  await endTasks(tx, failed);
  await notify(tx, [
    ...asked.map((row) => topic.pending(row.agentId)),
    ...asked.map((row) => topic.deployment(row.deploymentId)),
  ]);
}
