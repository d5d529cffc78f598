import { sql } from 'drizzle-orm';
import type { Tx } from '../db/connect.ts';

/**
 * The plan lets images gate the containers of other hosts only where the host was online. One that went offline since
 * then must not hold up the others any more: what waits for its PULL goes on, its own containers excepted.
 * @returns the agents that got something to do, and the deployments that it changes
 */
export async function releaseBarriers(tx: Tx): Promise<{ agentIds: string[]; deploymentIds: string[] }> {
  // Locked, so that the agent cannot return and complete the PULL at the same time.
  const pulls = await tx.execute<{ id: string }>(sql`
    select p.id from tasks p join agents a on a.id = p.agent_id
    where p.kind = 'PULL' and p.status = 'PENDING' and a.session_expires_at < now() and exists (
      select 1 from task_blockers b join tasks t on t.id = b.task_id
      where b.blocked_by = p.id and t.agent_id <> p.agent_id and t.status = 'PENDING')
    order by p.id for update of p`);
  if (pulls.length === 0) return { agentIds: [], deploymentIds: [] };
  const ids = `{${pulls.map(({ id }) => id).join(',')}}`;
  const released = await tx.execute<{ agentId: string; deploymentId: string }>(sql`
    with gone as (
      delete from task_blockers b using tasks t, tasks p
      where b.blocked_by = any(${ids}::uuid[]) and p.id = b.blocked_by and t.id = b.task_id and t.agent_id <> p.agent_id
      returning b.task_id),
    counted as (select task_id, count(*)::int as n from gone group by task_id)
    update tasks t set open_blockers = t.open_blockers - counted.n
    from counted where t.id = counted.task_id and t.status = 'PENDING'
    returning t.agent_id as "agentId", t.deployment_id as "deploymentId"`);
  return {
    agentIds: [...new Set(released.map(({ agentId }) => agentId))],
    deploymentIds: [...new Set(released.map(({ deploymentId }) => deploymentId))],
  };
}
