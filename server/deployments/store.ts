import { and, desc, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { Queryable, Tx } from '../db/connect.ts';
import { deployments, stacks, tasks } from '../db/tables.ts';
import { findStack, type StackRow } from '../stacks/store.ts';

export type DeploymentRow = typeof deployments.$inferSelect;
export type NewDeployment = typeof deployments.$inferInsert;

export async function findDeployment(tx: Queryable, id: string): Promise<DeploymentRow | undefined> {
  const [row] = await tx.select().from(deployments).where(eq(deployments.id, id));
  return row;
}

export async function getDeployment(tx: Queryable, id: string): Promise<DeploymentRow> {
  const row = await findDeployment(tx, id);
  if (!row) throw new Error(`there is no deployment ${id}`);
  return row;
}

/** One plan at a time: each sees the names, ports and tasks of all the others. Held until the transaction ends. */
export async function lockPlanning(tx: Tx): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(7277344)`);
}

export async function findByIdempotencyKey(tx: Queryable, key: string): Promise<DeploymentRow | undefined> {
  const [row] = await tx.select().from(deployments).where(eq(deployments.idempotencyKey, key));
  return row;
}

export async function findLatestDeployment(tx: Queryable, stackId: string): Promise<DeploymentRow | undefined> {
  const [row] = await listLatestDeployments(tx, [stackId]);
  return row;
}

/** The newest deployment of each of the stacks. */
export async function listLatestDeployments(tx: Queryable, stackIds: readonly string[]): Promise<DeploymentRow[]> {
  return tx
    .selectDistinctOn([deployments.stackId])
    .from(deployments)
    .where(inArray(deployments.stackId, [...stackIds]))
    .orderBy(deployments.stackId, desc(deployments.createdAt), desc(deployments.id));
}

/** Newest first. @param after the id of the last row of the page before */
export async function listDeployments(
  tx: Queryable,
  filter: { stackId?: string; stackName?: string },
  limit: number,
  after?: string,
): Promise<DeploymentRow[]> {
  const rows = await tx
    .select({ deployment: deployments })
    .from(deployments)
    .innerJoin(stacks, eq(stacks.id, deployments.stackId))
    .where(
      and(
        filter.stackId === undefined ? undefined : eq(deployments.stackId, filter.stackId),
        filter.stackName === undefined ? undefined : eq(stacks.name, filter.stackName),
        after === undefined
          ? undefined
          : sql`(${deployments.createdAt}, ${deployments.id}) < (select c.created_at, c.id from deployments c where c.id = ${after}::uuid)`,
      ),
    )
    .orderBy(desc(deployments.createdAt), desc(deployments.id))
    .limit(limit);
  return rows.map((row) => row.deployment);
}

/**
 * The stack of that name as it stays for the rest of the transaction: with its unfinished deployments locked, none of them
 * can end meanwhile and take the stack away as deleted. Deployments are locked before stacks, everywhere.
 */
export async function findLockedStack(tx: Tx, name: string): Promise<StackRow | undefined> {
  const stack = await findStack(tx, name);
  if (!stack) return undefined;
  await lockUnfinished(tx, stack.id);
  return findStack(tx, name);
}

/** Locked, for whoever is going to end them. */
export function lockUnfinished(tx: Tx, stackId: string): Promise<DeploymentRow[]> {
  return tx
    .select()
    .from(deployments)
    .where(and(eq(deployments.stackId, stackId), isNull(deployments.finishedAt)))
    .orderBy(deployments.id)
    .for('update');
}

export async function insertDeployment(tx: Tx, row: NewDeployment): Promise<void> {
  // `clock_timestamp()`: the transaction may have waited for a lock, and a later deployment must be newer.
  await tx.insert(deployments).values({ ...row, createdAt: sql`clock_timestamp()` as never });
}

/** Unfinished tasks of a stack that handle a container: it may exist although nobody observed it yet. */
export async function listContainersInWork(tx: Tx, stackId: string): Promise<{ agentId: string; name: string }[]> {
  const rows = await tx
    .selectDistinct({ agentId: tasks.agentId, name: tasks.containerName })
    .from(tasks)
    .where(and(eq(tasks.stackId, stackId), inArray(tasks.status, ['PENDING', 'RUNNING'])));
  return rows.flatMap(({ agentId, name }) => (name === null ? [] : [{ agentId, name }]));
}
