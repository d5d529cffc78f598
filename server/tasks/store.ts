import { and, asc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { deployments, taskBlockers, taskEvents, tasks } from '../db/tables.ts';
import type { Queryable, Tx } from '../db/types.ts';

/**
 * The SQL of tasks. Every move is one statement whose WHERE checks everything again; zero rows mean "stale", never an
 * error. Locks are taken in one order: agent, deployments, tasks; several tasks by id.
 */
export type TaskRow = typeof tasks.$inferSelect;
export type NewTask = typeof tasks.$inferInsert;
/** What the caller needs to know of a task that moved. */
export type Moved = Pick<TaskRow, 'id' | 'deploymentId' | 'agentId' | 'status' | 'attempt'>;

export const moved = {
  id: tasks.id,
  deploymentId: tasks.deploymentId,
  agentId: tasks.agentId,
  status: tasks.status,
  attempt: tasks.attempt,
};

export const TIMED_OUT = { code: 'DEADLINE_EXCEEDED', message: 'it took longer than its time limit' };

/** A task without a report for so long is taken for stuck. */
const DEADLINE = sql`now() + interval '10 minutes'`;

/**
 * Nothing else works on the same container, and a CLEAN is alone with its stack on its host.
 * Written over an aliased `tasks t`.
 */
const NOTHING_IN_THE_WAY = sql`not exists (
  select 1 from tasks r
  where r.status = 'RUNNING' and r.agent_id = t.agent_id
    and (r.container_name = t.container_name
      or (r.stack_id = t.stack_id and r.kind <> 'PULL' and t.kind <> 'PULL' and (r.kind = 'CLEAN' or t.kind = 'CLEAN'))))`;

const STARTABLE = sql`t.status = 'PENDING' and t.open_blockers = 0 and not t.barred and t.cancel_requested_at is null
  and (t.not_before is null or t.not_before <= now()) and ${NOTHING_IN_THE_WAY}`;

export type PendingTask = Pick<
  TaskRow,
  'id' | 'kind' | 'status' | 'attempt' | 'containerName' | 'priority' | 'spec' | 'cancelRequestedAt'
> & { stack: string; deploymentId: string };

const pendingColumns = sql`t.id, t.kind, t.status, t.attempt, t.container_name as "containerName", t.priority, t.spec,
  t.cancel_requested_at as "cancelRequestedAt", t.deployment_id as "deploymentId", s.name as stack`;

/** The complete set that needs the agent now: what it may start, and what it is to cancel. */
export async function listPending(tx: Queryable, agentId: string, limit: number): Promise<PendingTask[]> {
  return tx.execute<PendingTask>(sql`
    select ${pendingColumns} from tasks t join stacks s on s.id = t.stack_id
    where t.agent_id = ${agentId}
      and ((t.status = 'RUNNING' and t.cancel_requested_at is not null) or (${STARTABLE}))
    order by t.status desc, t.priority desc, t.created_at, t.position limit ${limit}`);
}

/** PENDING -> RUNNING. The caller holds the agent's row, so no other start of this agent runs beside it. */
export async function start(tx: Tx, agentId: string, epoch: number, ids: readonly string[]): Promise<PendingTask[]> {
  return tx.execute<PendingTask>(sql`
    with locked as materialized (
      select id from tasks where id = any(${uuids(ids)}) and agent_id = ${agentId} and status = 'PENDING' and open_blockers = 0 and not barred
      order by id for no key update),
    ready as (
      select id, stack_id, kind, row_number() over (partition by coalesce(container_name, id::text) order by priority desc, created_at, position) as turn
      from tasks t where t.id in (select id from locked) and ${STARTABLE}),
    started as (
      update tasks t set status = 'RUNNING', attempt = t.attempt + 1, session_epoch = ${epoch}, report_seq = 0,
        started_at = coalesce(t.started_at, now()), deadline = ${DEADLINE}, not_before = null, phase = null, progress = null
      from ready, stacks s
      where t.id = ready.id and ready.turn = 1 and s.id = t.stack_id and t.status = 'PENDING'
        and (t.kind <> 'CLEAN' or not exists (select 1 from ready o where o.stack_id = t.stack_id and o.kind <> 'PULL'
          and (o.kind <> 'CLEAN' or o.id < t.id)))
      returning ${pendingColumns}, t.created_at, t.position)
    select * from started order by priority desc, created_at, position`);
}

export type Ongoing = Pick<TaskRow, 'id' | 'deploymentId' | 'attempt' | 'phase'> & { phaseChanged: boolean };

/** RUNNING -> RUNNING with another phase or progress, for many tasks at once. @returns those that counted */
export async function applyProgress(
  tx: Tx,
  agentId: string,
  epoch: number,
  reports: readonly {
    taskId: string;
    attempt: number;
    sequence: number;
    phase: TaskRow['phase'];
    progress: object | null;
  }[],
): Promise<Ongoing[]> {
  const rows = reports.map(({ taskId, attempt, sequence, phase, progress }) => ({
    taskId,
    attempt,
    sequence,
    phase,
    progress,
  }));
  return tx.execute<Ongoing>(sql`
    with locked as materialized (
      select id from tasks where id = any(${uuids(reports.map(({ taskId }) => taskId))}) and agent_id = ${agentId}
      order by id for no key update)
    update tasks t set phase = r.phase, 
      progress = case when r.phase is distinct from t.phase then r.progress else coalesce(r.progress, t.progress) end,
      report_seq = r.sequence, deadline = ${DEADLINE}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r("taskId" uuid, attempt int, sequence int, phase task_phase, progress jsonb)
      join tasks before on before.id = r."taskId"
      join locked on locked.id = r."taskId"
    where t.id = r."taskId" and t.agent_id = ${agentId} and t.status = 'RUNNING' and t.attempt = r.attempt
      and t.session_epoch = ${epoch} and t.report_seq < r.sequence
    returning t.id, t.deployment_id as "deploymentId", t.attempt, t.phase,
      (t.phase is distinct from before.phase) as "phaseChanged"`);
}

/** RUNNING -> what a result makes of it. */
export async function applyReport(
  tx: Tx,
  guard: { id: string; agentId: string; attempt: number; epoch: number; sequence: number },
  change: Partial<NewTask> | { notBefore: SQL | null },
): Promise<Moved | undefined> {
  const [row] = await tx
    .update(tasks)
    .set({ deadline: DEADLINE as never, ...change, reportSeq: guard.sequence } as Partial<NewTask>)
    .where(
      and(
        eq(tasks.id, guard.id),
        eq(tasks.agentId, guard.agentId),
        eq(tasks.status, 'RUNNING'),
        eq(tasks.attempt, guard.attempt),
        eq(tasks.sessionEpoch, guard.epoch),
        sql`${tasks.reportSeq} < ${guard.sequence}`,
      ),
    )
    .returning(moved);
  return row;
}

export async function cancelPending(tx: Tx, where: SQL | undefined, reason: string): Promise<Moved[]> {
  return tx
    .update(tasks)
    .set({
      status: 'CANCELLED',
      finishedAt: sql`now()`,
      cancelRequestedAt: sql`coalesce(${tasks.cancelRequestedAt}, now())`,
      result: { action: 'none', message: reason },
    })
    .where(and(eq(tasks.status, 'PENDING'), where))
    .returning(moved);
}

/** Asks the agents of RUNNING tasks to stop at a safe point. */
export async function requestCancel(tx: Tx, where: SQL | undefined): Promise<Moved[]> {
  return tx
    .update(tasks)
    .set({ cancelRequestedAt: sql`now()` })
    .where(and(eq(tasks.status, 'RUNNING'), sql`${tasks.cancelRequestedAt} is null`, where))
    .returning(moved);
}

/**
 * RUNNING -> PENDING when the lease is lost: an attempt is spent, not a failure.
 * A task that was to be cancelled becomes CANCELLED, for nobody works on it any more.
 */
export async function giveBack(tx: Tx, where: SQL): Promise<Moved[]> {
  return tx
    .update(tasks)
    .set({
      status: sql`case when ${tasks.timedOutAt} is not null then 'FAILED' when ${tasks.cancelRequestedAt} is null then 'PENDING' else 'CANCELLED' end::task_status`,
      error: sql`case when ${tasks.timedOutAt} is null then ${tasks.error} else ${JSON.stringify(TIMED_OUT)}::jsonb end`,
      finishedAt: sql`case when ${tasks.cancelRequestedAt} is null then null else now() end`,
      sessionEpoch: null,
      deadline: null,
      phase: null,
      progress: null,
    })
    .where(and(eq(tasks.status, 'RUNNING'), where))
    .returning(moved);
}

export async function addEvents(tx: Tx, events: readonly (typeof taskEvents.$inferInsert)[]): Promise<void> {
  if (events.length > 0) await tx.insert(taskEvents).values([...events]);
}

export const toEvents = (rows: readonly Moved[], message: string | null = null) =>
  rows.map((row) => ({ taskId: row.id, status: row.status, attempt: row.attempt, message }));

export async function insertTasks(
  tx: Tx,
  rows: readonly NewTask[],
  blockers: readonly (typeof taskBlockers.$inferInsert)[],
): Promise<void> {
  for (const part of chunks(rows, 1_000)) await tx.insert(tasks).values(part);
  for (const part of chunks(blockers, 10_000)) await tx.insert(taskBlockers).values(part);
}

/** Locks the deployments that such tasks belong to and then the tasks, for whoever changes several: in one order for everybody. */
export async function lockTasks(tx: Tx, which: SQL | undefined): Promise<void> {
  await tx
    .select({ id: deployments.id })
    .from(deployments)
    .where(inArray(deployments.id, tx.select({ id: tasks.deploymentId }).from(tasks).where(which)))
    .orderBy(asc(deployments.id))
    .for('update');
  await tx.select({ id: tasks.id }).from(tasks).where(which).orderBy(asc(tasks.id)).for('no key update');
}

export const uuids = (ids: readonly string[]) => sql`${`{${ids.join(',')}}`}::uuid[]`;

function* chunks<T>(rows: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}
