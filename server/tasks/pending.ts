import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/types.ts';
import { type TaskRow, uuids } from './store.ts';

/** What an agent may start now, and what it is to cancel. */

/** For `tasks t`: nothing else works on the same container, and a CLEAN is alone with its stack on its host. */
const NOTHING_IN_THE_WAY = sql`not exists (
  select 1 from tasks r
  where r.status = 'RUNNING' and r.agent_id = t.agent_id
    and (r.container_name = t.container_name
      or (r.stack_id = t.stack_id and r.kind <> 'PULL' and t.kind <> 'PULL' and (r.kind = 'CLEAN' or t.kind = 'CLEAN'))))`;

/** For `tasks t`: it waits for no other task of its plan, and its time has come. */
const READY = sql`t.status = 'PENDING' and t.open_blockers = 0 and not t.behind_image_gate and t.cancel_requested_at is null
  and (t.not_before is null or t.not_before <= now())`;

export const STARTABLE = sql`${READY} and ${NOTHING_IN_THE_WAY}`;

/** Which of these agents have something to start or to cancel: only they have to look again. */
export async function listAgentsWithWork(tx: Queryable, agentIds: readonly string[]): Promise<string[]> {
  if (agentIds.length === 0) return [];
  const rows = await tx.execute<{ id: string }>(sql`
    select distinct t.agent_id as id from tasks t
    where t.status in ('PENDING', 'RUNNING') and t.agent_id = any(${uuids(agentIds)})
      and ((t.status = 'RUNNING' and t.cancel_requested_at is not null) or (${READY}))`);
  return rows.map(({ id }) => id);
}

export type PendingTask = Pick<
  TaskRow,
  'id' | 'kind' | 'spec' | 'status' | 'attempt' | 'containerName' | 'priority' | 'cancelRequestedAt'
> & { stack: string; deploymentId: string };

export const PENDING_COLUMNS = sql`t.id, t.kind, t.status, t.attempt, t.container_name as "containerName", t.priority, t.spec,
  t.cancel_requested_at as "cancelRequestedAt", t.deployment_id as "deploymentId", s.name as stack`;

/**
 * Lists the complete set that needs the agent now, the most urgent first; undefined if the session is not live. Each agent
 * reads it after each change, so it is one statement.
 * @param session a condition on `agents`
 */
export async function listPending(
  tx: Queryable,
  agentId: string,
  session: SQL | undefined,
  limit: number,
): Promise<PendingTask[] | undefined> {
  const rows = await tx.execute<PendingTask | { id: null }>(sql`
    select pending.* from agents left join lateral (
      select ${PENDING_COLUMNS}, t.created_at, t.position from tasks t join stacks s on s.id = t.stack_id
      where t.agent_id = agents.id
        and ((t.status = 'RUNNING' and t.cancel_requested_at is not null) or (${STARTABLE}))
      order by t.status desc, t.priority desc, t.created_at, t.position limit ${limit}) pending on true
    where agents.id = ${agentId} and ${session}
    order by pending.status desc, pending.priority desc, pending.created_at, pending.position`);
  return rows.length === 0 ? undefined : rows.filter((row) => row.id !== null);
}
