import { and, asc, eq, isNotNull, isNull } from 'drizzle-orm';
import type { Logger } from 'pino';
import { GRAPHIUM } from '../base/audit.ts';
import { each } from '../base/each.ts';
import { GraphiumError } from '../base/errors.ts';
import { transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { deployments, tasks } from '../db/tables.ts';
import type { Db, Tx } from '../db/types.ts';
import { orphanKey } from '../planning/changes.ts';
import { plan } from '../planning/plan.ts';
import { getStack, listPlacementsAfter } from '../stacks/store.ts';
import { draftFromRevision, storeDraft } from './draft.ts';
import { insertPlan } from './launch.ts';
import { readPlanInput } from './plan-input.ts';
import { settle } from './settle.ts';
import { type DeploymentRow, lockPlanning } from './store.ts';

/**
 * Plans the rollback of deployments that failed and whose tasks have all ended. The stack as a whole returns to its last
 * good revision, as a new revision (numbers only rise, and hosts refuse lower ones). The tasks belong to the same
 * deployment, whose verdict is then ROLLED_BACK. It has a transaction of its own, since planning takes its lock first.
 */
export async function beginRollbacks(db: Db, log: Logger): Promise<void> {
  const due = await db.select({ id: deployments.id }).from(deployments).where(isDue).orderBy(asc(deployments.id));
  await each(due, log, 'a rollback cannot be planned', ({ id }) =>
    transact(db, async (tx) => {
      await lockPlanning(tx);
      const [deployment] = await tx
        .select()
        .from(deployments)
        .where(and(isDue, eq(deployments.id, id)))
        .for('update');
      if (deployment) await begin(tx, deployment);
    }),
  );
}

const isDue = and(isNotNull(deployments.rollbackDueAt), isNull(deployments.finishedAt));

async function begin(tx: Tx, deployment: DeploymentRow): Promise<void> {
  const { id, stackId, priority, maxRetries, taskTimeoutSeconds } = deployment;
  const stack = await getStack(tx, stackId);
  const good = stack.goodRevision;
  if (good === null) throw new Error(`stack ${stackId} has no good revision to go back to`);
  try {
    const draft = await draftFromRevision(tx, stack, good, { note: `as revision ${good}, after a failure` });
    const { spec, number: revision, placed, seen } = draft;
    await storeDraft(tx, GRAPHIUM, draft);
    const target = { name: stack.name, spec, revision, placed, seen };
    const orphans = new Set(
      (await listPlacementsAfter(tx, stackId, good)).map(({ agentId, containerName }) =>
        orphanKey(agentId, containerName),
      ),
    );
    const planned = plan(await readPlanInput(tx, stack, target, { kind: 'ROLLBACK', orphans, unasked: true }));
    await tx.update(deployments).set({ rollbackRevision: revision, rollbackDueAt: null }).where(eq(deployments.id, id));
    const position = await tx.$count(tasks, eq(tasks.deploymentId, id));
    const options = { priority, maxRetries, taskTimeoutSeconds };
    await insertPlan(tx, { stackId, deploymentId: id, rollback: true }, options, planned, position);
  } catch (error) {
    if (!(error instanceof GraphiumError)) throw error;
    // Such as when an agent of that revision is gone: nothing can be planned, and trying again would not help.
    const cause = deployment.cause ?? { code: error.code, message: '' };
    const message = `${cause.message} It could not be rolled back to revision ${good}: ${error.message}`.trim();
    await tx
      .update(deployments)
      .set({ onFailure: 'KEEP', cause: { ...cause, message }, rollbackDueAt: null })
      .where(eq(deployments.id, id));
  }
  await settle(tx, [id]);
  await notify(tx, [topic.deployment(id), topic.stacks]);
}
