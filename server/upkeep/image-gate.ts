import { sql } from 'drizzle-orm';
import { notify, topic } from '../db/notify.ts';
import type { Tx } from '../db/types.ts';
import { openImageGates } from '../tasks/blockers.ts';
import { uuids } from '../tasks/store.ts';

/**
 * A PULL holds the image gate for all hosts only if its own host was online when it was planned. A host that went offline
 * since then, or whose engine fell silent, must not hold up the others any longer: from now on only its own containers wait
 * for its images.
 */
export async function releaseOfflineHosts(tx: Tx): Promise<void> {
  // Locked, so that the agent cannot return and complete the PULL at the same time.
  const pulls = await tx.execute<{ id: string; deploymentId: string }>(sql`
    select p.id, p.deployment_id as "deploymentId" from tasks p join agents a on a.id = p.agent_id
    where p.holds_image_gate and p.status = 'PENDING'
      and (a.session_expires_at < now() or a.engine_down_since is not null)
    order by p.id for update of p`);
  if (pulls.length === 0) return;
  const ids = uuids(pulls.map(({ id }) => id));
  await tx.execute(sql`update tasks set holds_image_gate = false where id = any(${ids}) and status = 'PENDING'`);
  const { agentIds, deploymentIds } = await openImageGates(tx, [...new Set(pulls.map((pull) => pull.deploymentId))]);
  await notify(tx, [...agentIds.map(topic.pending), ...deploymentIds.map(topic.deployment), topic.due]);
}
