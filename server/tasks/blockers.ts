import { type SQL, sql } from 'drizzle-orm';
import { tasks } from '../db/tables.ts';
import type { Tx } from '../db/types.ts';
import { cancelPending } from './moves.ts';
import { type Moved, uuids } from './store.ts';

/**
 * What tasks wait for. `open_blockers` counts a task's rows in `task_blockers` whose other task has not come so far yet.
 * `behind_image_gate` stands for all images of its deployment, which would take a row for each container and each image.
 */

/** @param satisfied a statement that returns the `task_id` of each row whose other task has come so far */
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

const NOBODY: Released = { agentIds: [], deploymentIds: [] };

const toReleased = (rows: readonly { agentId: string; deploymentId: string }[]): Released => ({
  agentIds: [...new Set(rows.map(({ agentId }) => agentId))],
  deploymentIds: [...new Set(rows.map(({ deploymentId }) => deploymentId))],
});

/** Unblocks the dependants of completed tasks. Deletes the rows, so that nobody who saw them earlier counts them again. */
export async function unblockDependants(tx: Tx, taskIds: readonly string[]): Promise<Released> {
  if (taskIds.length === 0) return NOBODY;
  return release(tx, sql`delete from task_blockers where blocked_by = any(${uuids(taskIds)}) returning task_id`);
}

/** Unblocks what waited only for a container's process to run. Deletes the rows, so that completion does not count them again. */
export function unblockStarted(tx: Tx, taskIds: readonly string[]): Promise<Released> {
  return release(
    tx,
    sql`delete from task_blockers where blocked_by = any(${uuids(taskIds)}) and condition = 'STARTED' returning task_id`,
  );
}

/** Unblocks what did not insist on tasks that will never complete. */
export async function unblockOptional(tx: Tx, taskIds: readonly string[]): Promise<Released> {
  if (taskIds.length === 0) return NOBODY;
  return release(
    tx,
    sql`delete from task_blockers where blocked_by = any(${uuids(taskIds)}) and optional returning task_id`,
  );
}

/** Lists running tasks whose container's process runs while others wait for just that. */
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
 * The image gate: nothing is stopped before its image is there. A task `t` behind it waits for the PULLs `p` that hold it,
 * which are those of every host that was online when it was planned, and in any case for those of its own host. A rollback
 * has a gate of its own, since a PULL that failed before must not hold it up.
 */
const IMAGE_GATE = sql`p.deployment_id = t.deployment_id and p.rollback = t.rollback and p.kind = 'PULL'
  and (p.holds_image_gate or p.agent_id = t.agent_id)`;

/**
 * Opens the image gates of deployments whose images are all there. Each report of an end asks for it, under the lock of
 * the deployment, so it looks at once for a PULL that still holds the gate, and only then at the tasks behind it.
 */
export async function openImageGates(tx: Tx, deploymentIds: readonly string[]): Promise<Released> {
  const rows = await tx.execute<{ agentId: string; deploymentId: string }>(sql`
    with open as materialized (
      select d.id, r.rollback from unnest(${uuids(deploymentIds)}) d(id), (values (false), (true)) r(rollback)
      where not exists (
        select 1 from tasks p where p.deployment_id = d.id and p.rollback = r.rollback
          and p.holds_image_gate and p.status <> 'COMPLETED'))
    update tasks t set behind_image_gate = false
    from open
    where t.deployment_id = open.id and t.rollback = open.rollback and t.behind_image_gate and t.status = 'PENDING'
      and not exists (select 1 from tasks p where ${IMAGE_GATE} and p.agent_id = t.agent_id and p.status <> 'COMPLETED')
    returning t.agent_id as "agentId", t.deployment_id as "deploymentId"`);
  return toReleased(rows);
}

/** Cancels everything that waits, directly or not, for tasks that will never complete. */
export async function cancelDependants(tx: Tx, taskIds: readonly string[], reason: string): Promise<Moved[]> {
  if (taskIds.length === 0) return [];
  const ids = uuids(taskIds);
  const dependants = sql`(with recursive waiting as (
      (select task_id from task_blockers where blocked_by = any(${ids}) and not optional
        union select t.id from tasks t join tasks p on ${IMAGE_GATE} where p.id = any(${ids}) and t.behind_image_gate)
      union select b.task_id from task_blockers b join waiting w on b.blocked_by = w.task_id where not b.optional)
    select task_id from waiting)`;
  return cancelPending(tx, sql`${tasks.id} in ${dependants}`, reason);
}
