import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import { deployments } from '../db/tables.ts';
import type { Tx } from '../db/types.ts';
import { endUnfinishedTasks } from '../deployments/cancel.ts';

/** Fails deployments that have no verdict at their deadline; they are rolled back if that was wanted,
 * and that has a deadline too. */
export async function failOverdue(tx: Tx): Promise<void> {
  const overdue = await tx
    .select()
    .from(deployments)
    .where(and(isNull(deployments.finishedAt), sql`${deployments.deadline} < now()`))
    .orderBy(asc(deployments.id))
    .for('update');
  for (const { id, supersededBy, cause } of overdue) {
    if (supersededBy) continue;
    const message = 'the deployment had no verdict at its deadline';
    await tx
      .update(deployments)
      .set({ cause: cause ?? { code: 'DEADLINE_EXCEEDED', message }, deadline: null })
      .where(eq(deployments.id, id));
    await endUnfinishedTasks(tx, id, message);
  }
}
