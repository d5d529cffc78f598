import { and, asc, desc, eq, inArray, sql } from 'drizzle-orm';
import { agents, stacks, taskBlockers, taskEvents, tasks } from '../db/tables.ts';
import type { Queryable } from '../db/types.ts';
import type { TaskRow } from './store.ts';

/** Reads tasks to show them. */
export type TaskFilter = {
  agentId?: string | undefined;
  stack?: string | undefined;
  deploymentId?: string | undefined;
  status?: readonly TaskRow['status'][] | undefined;
  kind?: readonly TaskRow['kind'][] | undefined;
};

/** Newest first. @param after the id of the last row of the page before */
export async function listTasks(tx: Queryable, filter: TaskFilter, limit: number, after?: string): Promise<TaskRow[]> {
  return tx
    .select({ task: tasks })
    .from(tasks)
    .innerJoin(stacks, eq(stacks.id, tasks.stackId))
    .where(
      and(
        filter.agentId === undefined ? undefined : eq(tasks.agentId, filter.agentId),
        filter.stack === undefined ? undefined : eq(stacks.name, filter.stack),
        filter.deploymentId === undefined ? undefined : eq(tasks.deploymentId, filter.deploymentId),
        filter.status ? inArray(tasks.status, [...filter.status]) : undefined,
        filter.kind ? inArray(tasks.kind, [...filter.kind]) : undefined,
        after === undefined
          ? undefined
          : sql`(${tasks.createdAt}, ${tasks.id}) < (select c.created_at, c.id from tasks c where c.id = ${after}::uuid)`,
      ),
    )
    .orderBy(desc(tasks.createdAt), desc(tasks.id))
    .limit(limit)
    .then((rows) => rows.map((row) => row.task));
}

export async function findTask(tx: Queryable, id: string): Promise<TaskRow | undefined> {
  const [row] = await tx.select().from(tasks).where(eq(tasks.id, id));
  return row;
}

export function listTasksById(tx: Queryable, ids: readonly string[]): Promise<TaskRow[]> {
  return tx
    .select()
    .from(tasks)
    .where(inArray(tasks.id, [...ids]));
}

export function listTasksOfDeployments(tx: Queryable, deploymentIds: readonly string[]): Promise<TaskRow[]> {
  return tx
    .select()
    .from(tasks)
    .where(inArray(tasks.deploymentId, [...deploymentIds]))
    .orderBy(asc(tasks.position));
}

export type OpenBlocker = Pick<TaskRow, 'id' | 'kind' | 'containerName' | 'image'> & { taskId: string; agent: string };

/** Lists what each of the tasks still waits for. */
export function listOpenBlockers(tx: Queryable, taskIds: readonly string[]): Promise<OpenBlocker[]> {
  return tx
    .select({
      taskId: taskBlockers.taskId,
      id: tasks.id,
      kind: tasks.kind,
      containerName: tasks.containerName,
      image: tasks.image,
      agent: agents.name,
    })
    .from(taskBlockers)
    .innerJoin(tasks, eq(tasks.id, taskBlockers.blockedBy))
    .innerJoin(agents, eq(agents.id, tasks.agentId))
    .where(and(inArray(taskBlockers.taskId, [...taskIds]), inArray(tasks.status, ['PENDING', 'RUNNING'])))
    .orderBy(asc(tasks.position));
}

export type MissingImage = Pick<TaskRow, 'id' | 'deploymentId' | 'agentId' | 'holdsImageGate' | 'image'> & {
  agent: string;
};

/**
 * Lists unfinished PULLs of the deployments. The containers of every host wait for one that holds the image gate; for any
 * other only those of its own host do.
 */
export function listMissingImages(tx: Queryable, deploymentIds: readonly string[]): Promise<MissingImage[]> {
  return tx
    .select({
      id: tasks.id,
      deploymentId: tasks.deploymentId,
      agentId: tasks.agentId,
      holdsImageGate: tasks.holdsImageGate,
      image: tasks.image,
      agent: agents.name,
    })
    .from(tasks)
    .innerJoin(agents, eq(agents.id, tasks.agentId))
    .where(
      and(
        inArray(tasks.deploymentId, [...deploymentIds]),
        eq(tasks.kind, 'PULL'),
        inArray(tasks.status, ['PENDING', 'RUNNING']),
      ),
    )
    .orderBy(asc(tasks.position));
}

export type TaskEventRow = typeof taskEvents.$inferSelect;

export function listEvents(tx: Queryable, taskIds: readonly string[]): Promise<TaskEventRow[]> {
  return tx
    .select()
    .from(taskEvents)
    .where(inArray(taskEvents.taskId, [...taskIds]))
    .orderBy(asc(taskEvents.id));
}

/** Returns the milliseconds until the next pause or retry is over, negative if one is; undefined if there is none. */
export async function findNextDue(tx: Queryable): Promise<number | undefined> {
  const [row] = await tx.execute<{ ms: number | null }>(sql`
    select (extract(epoch from min(not_before) - now()) * 1000)::float8 as ms from tasks
    where status = 'PENDING' and not_before > now() - interval '100 milliseconds'`);
  return row?.ms ?? undefined;
}
