import { type SQL, sql } from 'drizzle-orm';
import { tasks } from '../db/tables.ts';
import type { Tx } from '../db/types.ts';
import { cancelPending, type Moved, uuids } from './store.ts';

/**
 * What tasks wait for. `open_blockers` is the number of a task's rows in `task_blockers` whose other task has not come so
 * far yet; `barred` stands for all the images of its deployment, which would be a row for each container and each image.
 */

/** @param satisfied a statement that gives the `task_id` of each row whose task has come so far, deleting it or not */
async function release(tx: Tx, satisfied: SQL): Promise<Released> {
  const rows = await tx.execute<{ agentId: string; deploymentId: string }>(sql`
    with satisfied as (${satisfied}),
      b as (select task_id, count(*)::int as n from satisfied group by task_id)
    update tasks t set open_blockers = t.open_blockers - b.n,
      not_before = case when t.open_blockers = b.n and t.delay_ms > 0
        then now() + make_interval(secs => t.delay_ms / 1000.0) else t.not_before end
    from b
    where t.id = b.task_id and t.status = 'PENDING' returning t.agent_id as "agentId", t.deployment_id as "deploymentId"`);
  return toReleased(rows);
}

export type Released = { agentIds: string[]; deploymentIds: string[] };

const toReleased = (rows: readonly { agentId: string; deploymentId: string }[]): Released => ({
  agentIds: [...new Set(rows.map(({ agentId }) => agentId))],
  deploymentIds: [...new Set(rows.map(({ deploymentId }) => deploymentId))],
});

/** What completed tasks held back may go on. */
export function unblockDependants(tx: Tx, taskIds: readonly string[]): Promise<Released> {
  return release(tx, sql`select task_id from task_blockers where blocked_by = any(${uuids(taskIds)})`);
}

/** So may what waited only for their container's process to run. The rows go, so that the end counts them no more. */
export function unblockStarted(tx: Tx, taskIds: readonly string[]): Promise<Released> {
  return release(
    tx,
    sql`delete from task_blockers where blocked_by = any(${uuids(taskIds)}) and condition = 'STARTED' returning task_id`,
  );
}

/** And what would have liked, but did not need, tasks that will never complete. */
export function unblockOptional(tx: Tx, taskIds: readonly string[]): Promise<Released> {
  return release(
    tx,
    sql`delete from task_blockers where blocked_by = any(${uuids(taskIds)}) and not required returning task_id`,
  );
}

/** Running tasks whose container's process runs, and that others wait for just that. */
export async function listStartedBlockers(
  tx: Pick<Tx, 'execute'>,
  taskIds: readonly string[] | null,
): Promise<string[]> {
  const which = taskIds ? sql`and t.id = any(${uuids(taskIds)})` : sql``;
  const rows = await tx.execute<{ id: string }>(sql`
    select distinct t.id from tasks t join task_blockers b on b.blocked_by = t.id and b.condition = 'STARTED'
    where t.status = 'RUNNING' and t.phase = 'VERIFYING' ${which}`);
  return rows.map(({ id }) => id);
}

/**
 * What a barred task `t` waits for: the images of every host that was there when it was planned, and in any case of its own.
 * Those of the way there and of the way back are apart, for what failed on the one must not hold up the other.
 */
const HOLDS = sql`p.deployment_id = t.deployment_id and p.rollback = t.rollback and p.kind = 'PULL'
  and (p.gates or p.agent_id = t.agent_id)`;

/** The containers of deployments whose images are all there may go on. */
export async function openBarriers(tx: Tx, deploymentIds: readonly string[]): Promise<Released> {
  const rows = await tx.execute<{ agentId: string; deploymentId: string }>(sql`
    update tasks t set barred = false
    where t.deployment_id = any(${uuids(deploymentIds)}) and t.barred and t.status = 'PENDING' and not exists (
      select 1 from tasks p where ${HOLDS} and p.status <> 'COMPLETED')
    returning t.agent_id as "agentId", t.deployment_id as "deploymentId"`);
  return toReleased(rows);
}

/** PENDING -> CANCELLED for everything that waited, directly or not, for tasks that will never complete. */
export async function cancelDependants(tx: Tx, taskIds: readonly string[], reason: string): Promise<Moved[]> {
  if (taskIds.length === 0) return [];
  const ids = uuids(taskIds);
  const dependants = sql`(with recursive waiting as (
      (select task_id from task_blockers where blocked_by = any(${ids}) and required
        union select t.id from tasks t join tasks p on ${HOLDS} where p.id = any(${ids}) and t.barred)
      union select b.task_id from task_blockers b join waiting w on b.blocked_by = w.task_id where b.required)
    select task_id from waiting)`;
  return cancelPending(tx, sql`${tasks.id} in ${dependants}`, reason);
}
