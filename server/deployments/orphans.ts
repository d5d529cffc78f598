import { sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import { GRAPHIUM } from '../audit.ts';
import { type Db, transact } from '../db/connect.ts';
import { hashOf } from '../stacks/hash.ts';
import { getStack } from '../stacks/store.ts';
import { launch } from './launch.ts';
import { findLatestDeployment, lockPlanning } from './store.ts';

/**
 * Containers that carry our labels and that nothing wants: of a stack that Graphium deleted (its host came back from a
 * snapshot, say), or of a service that left its stack. They are removed by a deployment like any other. Those of a stack
 * that this database never knew are left alone: a restored backup must not empty a host.
 */
export async function removeOrphans(db: Db, log: Logger): Promise<void> {
  for (const { id } of await findOrphaned(db)) {
    await transact(db, async (tx) => {
      await lockPlanning(tx);
      if (!(await findOrphaned(tx)).some((stack) => stack.id === id)) return;
      const stack = await getStack(tx, id);
      const { desired } = stack;
      const kind = desired === 'DELETED' ? 'DELETE' : 'DEPLOY';
      // A deletion that failed still owes the volumes; one that succeeded, or kept them, does not.
      const latest = await findLatestDeployment(tx, id);
      const removeVolumes = latest?.kind === 'DELETE' && latest.status !== 'SUCCEEDED' && latest.removeVolumes;
      const deploymentId = await launch(tx, GRAPHIUM, stack, {
        kind,
        desired,
        onlyUnwanted: kind === 'DEPLOY',
        removeVolumes: kind === 'DELETE' && removeVolumes === true,
        idempotencyKey: null,
        inputHash: hashOf({ orphansOf: id }),
        retryOf: null,
      });
      log.info({ stack: stack.name, deploymentId }, 'removing containers that nothing wants');
    });
  }
}

/**
 * Stacks with an observed container that their current revision does not want on an agent of that name (one that was
 * removed and enrolled again finds its containers as it left them). Not while a deployment of
 * the stack is at work, and not again within a minute of one that did not help.
 */
function findOrphaned(db: Pick<Db, 'execute'>): Promise<{ id: string }[]> {
  return db.execute<{ id: string }>(sql`
    select distinct s.id from containers c
    join agents a on a.id = c.agent_id and a.session_expires_at > now() and a.removed_at is null
    join lateral (
      select * from stacks where name = c.stack order by deleted_at is null desc, deleted_at desc limit 1) s on true
    where (s.desired = 'DELETED' or not exists (
        select 1 from placements p join agents placed on placed.id = p.agent_id
        where p.stack_id = s.id and p.revision = s.revision and placed.name = a.name
          and p.container_name = regexp_replace(c.name, '\\.graphium-previous$', '')))
      and not exists (select 1 from deployments d where d.stack_id = s.id and (
        d.finished_at is null
        or (d.created_by = ${GRAPHIUM.name} and d.finished_at > now() - interval '1 minute')
        or (d.finished_at > now() - interval '5 seconds')))`);
}
