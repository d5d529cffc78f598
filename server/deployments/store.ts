import { and, desc, eq, gt, gte, inArray, isNull, or, sql } from 'drizzle-orm';
import { GraphiumError } from '../base/errors.ts';
import { agents, deployments, stackRevisions, stacks, tasks } from '../db/tables.ts';
import type { Queryable, Tx } from '../db/types.ts';
import type { LastStopped } from '../planning/changes.ts';
import { findRevision, opened, type RevisionRow, type StackRow } from '../stacks/store.ts';
import { uuids } from '../tasks/store.ts';

export type DeploymentRow = typeof deployments.$inferSelect;
export type NewDeployment = typeof deployments.$inferInsert;

/** Whose success means that each container of the revision was seen good; so does that of a RESTART of all services. */
export const BRINGS_ALL: ReadonlySet<DeploymentRow['kind']> = new Set(['DEPLOY', 'ROLLBACK', 'REPAIR', 'START']);

export async function findDeployment(tx: Queryable, id: string): Promise<DeploymentRow | undefined> {
  const [row] = await tx.select().from(deployments).where(eq(deployments.id, id));
  return row;
}

export async function getDeployment(tx: Queryable, id: string): Promise<DeploymentRow> {
  const row = await findDeployment(tx, id);
  if (!row) throw new Error(`there is no deployment ${id}`);
  return row;
}

/** Lets one plan be made at a time, so that each sees the names, ports and tasks of all others. Held until the transaction ends. */
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

/** Stands for a revision among the keys of a loader. */
export const revisionKey = ({ stackId, revision }: { stackId: string; revision: number }) => `${stackId} ${revision}`;

/** The newest deployment that was to bring each of the revisions, by `revisionKey`. */
export async function listDeploymentsOfRevisions(tx: Queryable, keys: readonly string[]): Promise<DeploymentRow[]> {
  const { stackId, revision, kind, createdAt, id } = deployments;
  const pairs = keys
    .map((key) => key.split(' '))
    .map(([stack, number]) => sql`(${stack}::uuid, ${Number(number)}::int)`);
  return tx
    .selectDistinctOn([stackId, revision])
    .from(deployments)
    .where(
      and(
        sql`(${stackId}, ${revision}) in (${sql.join(pairs, sql`, `)})`,
        inArray(kind, ['DEPLOY', 'ROLLBACK', 'REPAIR']),
      ),
    )
    .orderBy(stackId, revision, desc(createdAt), desc(id));
}

/** Only deployments that match all that is given. */
export type DeploymentFilter = {
  stackId?: string | undefined;
  stackName?: string | undefined;
  status?: DeploymentRow['status'] | undefined;
  kind?: DeploymentRow['kind'] | undefined;
  /** The name of the token that asked for it. */
  createdBy?: string | undefined;
  since?: Date | undefined;
};

/** Drizzle leaves out what is undefined. */
const matches = ({ stackId, stackName, status, kind, createdBy, since }: DeploymentFilter) => [
  stackId === undefined ? undefined : eq(deployments.stackId, stackId),
  stackName === undefined ? undefined : eq(stacks.name, stackName),
  status === undefined ? undefined : eq(deployments.status, status),
  kind === undefined ? undefined : eq(deployments.kind, kind),
  createdBy === undefined ? undefined : eq(deployments.createdBy, createdBy),
  since === undefined ? undefined : gte(deployments.createdAt, since),
];

/** Newest first. @param after the id of the last row of the page before */
export async function listDeployments(
  tx: Queryable,
  filter: DeploymentFilter,
  limit: number,
  after?: string,
): Promise<DeploymentRow[]> {
  const rows = await tx
    .select({ deployment: deployments })
    .from(deployments)
    .innerJoin(stacks, eq(stacks.id, deployments.stackId))
    .where(
      and(
        ...matches(filter),
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
 * Finds the stack of that name as it stays for the rest of the transaction: while its unfinished deployments are locked,
 * none of them can end and take the stack away as deleted. Deployments are locked before stacks, everywhere.
 */
export async function findLockedStack(
  tx: Tx,
  name: string,
): Promise<{ stack: StackRow; current: RevisionRow | undefined } | undefined> {
  const isIt = and(eq(stacks.name, name), isNull(stacks.deletedAt));
  const ofIt = inArray(deployments.stackId, tx.select({ id: stacks.id }).from(stacks).where(isIt));
  const isCurrent = and(eq(stackRevisions.stackId, stacks.id), eq(stackRevisions.number, stacks.revision));
  // They go together, and the second reads what whoever held the lock has written.
  const [, [row]] = await Promise.all([
    tx
      .select({ id: deployments.id })
      .from(deployments)
      .where(and(ofIt, isNull(deployments.finishedAt)))
      .orderBy(deployments.id)
      .for('update'),
    tx.select({ stack: stacks, current: stackRevisions }).from(stacks).leftJoin(stackRevisions, isCurrent).where(isIt),
  ]);
  return row && { stack: row.stack, current: row.current === null ? undefined : opened(tx, row.current) };
}

export async function findUnfinished(tx: Queryable, stackId: string): Promise<DeploymentRow | undefined> {
  const [row] = await tx
    .select()
    .from(deployments)
    .where(and(eq(deployments.stackId, stackId), isNull(deployments.finishedAt)))
    .limit(1);
  return row;
}

/** Locks them for whoever is going to end them. */
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
  const deadline = sql`clock_timestamp() + make_interval(secs => ${row.timeoutSeconds ?? null})`;
  await tx.insert(deployments).values({ ...row, createdAt: sql`clock_timestamp()`, deadline });
}

/**
 * Finds the newest good revision that is older than what the current one is a copy of: each rollback leads one step further
 * back, and never to the revision that somebody has just left.
 * @throws GraphiumError NOT_FOUND
 */
export async function findGoodRevisionBefore(tx: Queryable, stack: StackRow): Promise<number> {
  const current = await findRevision(tx, stack.id, stack.revision);
  const from = current?.copyOf ?? stack.revision;
  const origin = sql<number>`coalesce(${stackRevisions.copyOf}, ${stackRevisions.number})`;
  const [row] = await tx
    .select({ revision: sql<number | null>`max(${origin})` })
    .from(deployments)
    .innerJoin(
      stackRevisions,
      and(eq(stackRevisions.stackId, deployments.stackId), eq(stackRevisions.number, deployments.revision)),
    )
    .where(
      and(
        eq(deployments.stackId, stack.id),
        eq(deployments.status, 'SUCCEEDED'),
        or(
          inArray(deployments.kind, [...BRINGS_ALL]),
          and(eq(deployments.kind, 'RESTART'), isNull(deployments.services)),
        ),
        sql`${origin} < ${from}`,
      ),
    );
  if (row?.revision != null) return row.revision;
  const copy = from === stack.revision ? '' : ` (revision ${stack.revision}, the current one, is as that)`;
  throw new GraphiumError(
    'NOT_FOUND',
    `The stack "${stack.name}" has no good revision before ${from}${copy}. To go to a certain one, give toRevision.`,
  );
}

/**
 * Lists containers that may no longer be as they were observed: a task has begun to change them and has not finished, or
 * was taken from an agent that never said how it ended and has not come back since. Each comes with the spec that the task
 * gives it.
 */
export async function listContainersInWork(
  tx: Tx,
  stackName: string,
): Promise<{ agentId: string; name: string; specHash: string | null }[]> {
  const isUnheardOf = and(
    inArray(tasks.status, ['CANCELLED', 'FAILED']),
    sql`coalesce(${tasks.result} ->> 'action', 'none') = 'none'`,
    or(eq(tasks.status, 'CANCELLED'), sql`${tasks.error} ->> 'code' = 'DEADLINE_EXCEEDED'`),
    sql`${tasks.finishedAt} > coalesce(${agents.sessionStartedAt}, '-infinity')`,
  );
  const rows = await tx
    .selectDistinct({
      agentId: tasks.agentId,
      name: tasks.containerName,
      specHash: sql<string | null>`${tasks.spec} ->> 'specHash'`,
    })
    .from(tasks)
    .innerJoin(agents, eq(agents.id, tasks.agentId))
    .innerJoin(stacks, eq(stacks.id, tasks.stackId))
    .where(
      and(
        eq(stacks.name, stackName),
        gt(tasks.attempt, 0),
        or(inArray(tasks.status, ['PENDING', 'RUNNING']), isUnheardOf),
      ),
    );
  return rows.flatMap(({ name, ...row }) => (name === null ? [] : [{ ...row, name }]));
}

/**
 * Lists containers whose last task that changed something stopped them or did not end well. If one of them does not run, it
 * did not necessarily end by itself.
 */
export async function listStopped(
  tx: Queryable,
  stackIds: readonly string[],
): Promise<(LastStopped & { stackId: string })[]> {
  return tx.execute<LastStopped & { stackId: string }>(sql`
    select last.stack_id as "stackId", last.agent_id as "agentId", last.container_name as name,
      last.kind = 'STOP' as "onPurpose" from (
      select distinct on (stack_id, agent_id, container_name) stack_id, agent_id, container_name, kind, status from tasks
      where stack_id = any(${uuids(stackIds)}) and attempt > 0 and container_name is not null
        and not (kind = 'STOP' and coalesce(result ->> 'action', '') in ('unchanged', 'absent'))
      order by stack_id, agent_id, container_name, started_at desc) last
    where last.kind = 'STOP' or last.status <> 'COMPLETED'`);
}
