import { sql } from 'drizzle-orm';
import type { Tx } from '../db/types.ts';
import { openBarriers, type Released } from '../tasks/blockers.ts';

/**
 * The plan lets images gate the containers of other hosts only where the host was online. One that went offline since
 * then must not hold up the others any more: what waits for its PULL goes on, its own containers excepted.
 */
export async function releaseBarriers(tx: Tx): Promise<Released> {
  // Locked, so that the agent cannot return and complete the PULL at the same time.
  const pulls = await tx.execute<{ id: string; deploymentId: string }>(sql`
    select p.id, p.deployment_id as "deploymentId" from tasks p join agents a on a.id = p.agent_id
    where p.gates and p.status = 'PENDING' and a.session_expires_at < now()
    order by p.id for update of p`);
  if (pulls.length === 0) return { agentIds: [], deploymentIds: [] };
  const ids = `{${pulls.map(({ id }) => id).join(',')}}`;
  await tx.execute(sql`update tasks set gates = false where id = any(${ids}::uuid[]) and status = 'PENDING'`);
  return openBarriers(tx, [...new Set(pulls.map(({ deploymentId }) => deploymentId))]);
}
