import { and, asc, eq, inArray, isNull, lt, ne, notInArray, or, type SQL, sql } from 'drizzle-orm';
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core';
import { tasks } from '../db/tables.ts';
import type { Tx } from '../db/types.ts';
import type { TaskFailure } from '../db/values.ts';
import { PENDING_COLUMNS, type PendingTask, STARTABLE } from './pending.ts';
import { type Moved, moved, type TaskRow, uuids } from './store.ts';

/**
 * Every move of a task. Each is one statement whose WHERE checks everything again; zero rows mean "stale", never an error.
 * Which moves exist is written once, in the database's guard (drizzle/0004_words.sql). Locks are always taken in this order:
 * agent, deployments, tasks; several tasks by id.
 */
export const TIMED_OUT: TaskFailure = { code: 'DEADLINE_EXCEEDED', message: 'it took longer than its time limit' };
export const AGENT_LOST: TaskFailure = {
  code: 'AGENT_LOST',
  message: 'its agent was lost three times while it worked on it: it may be the task that ends the agent',
};
const MAX_LOSSES = 3;
/** Every attempt before this one either failed or was lost. */
const isLostTooOften = sql`${tasks.attempt} - ${tasks.failures} >= ${MAX_LOSSES}`;
export const STUCK: TaskFailure = {
  code: 'DEADLINE_EXCEEDED',
  message: 'no progress was reported before the deadline',
};

/** A task counts as stuck when nothing was reported of it for this long. */
const DEADLINE = sql`now() + interval '10 minutes'`;

/** Whatever is reported, a task that is asked to stop gets no longer than this to take back what is half done. */
const TO_STOP = sql`interval '2 hours'`;

/** PENDING -> RUNNING. The caller holds the agent's row, so no other start of this agent runs beside it. */
export async function start(tx: Tx, agentId: string, epoch: number, ids: readonly string[]): Promise<PendingTask[]> {
  return tx.execute<PendingTask>(sql`
    with locked as materialized (
      select id from tasks where id = any(${uuids(ids)}) and agent_id = ${agentId} and status = 'PENDING' and open_blockers = 0 and not behind_image_gate
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
      returning ${PENDING_COLUMNS}, t.created_at, t.position)
    select * from started order by priority desc, created_at, position`);
}

export type Ongoing = Pick<TaskRow, 'id' | 'deploymentId' | 'attempt' | 'phase'> & { phaseChanged: boolean };

/** RUNNING -> RUNNING with another phase or progress, for many tasks at once. @returns the tasks that moved */
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
      report_seq = r.sequence, deadline = least(${DEADLINE}, t.cancel_requested_at + ${TO_STOP})
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r("taskId" uuid, attempt int, sequence int, phase task_phase, progress jsonb)
      join tasks before on before.id = r."taskId"
      join locked on locked.id = r."taskId"
    where t.id = r."taskId" and t.agent_id = ${agentId} and t.status = 'RUNNING' and t.attempt = r.attempt
      and t.session_epoch = ${epoch} and t.report_seq < r.sequence
    returning t.id, t.deployment_id as "deploymentId", t.attempt, t.phase,
      (t.phase is distinct from before.phase) as "phaseChanged"`);
}

/** RUNNING -> what the result of an attempt makes of it. */
export async function endAttempt(
  tx: Tx,
  guard: { id: string; agentId: string; attempt: number; epoch: number; sequence: number },
  change: PgUpdateSetSource<typeof tasks>,
): Promise<Moved | undefined> {
  const [row] = await tx
    .update(tasks)
    .set({ ...change, deadline: null, sessionEpoch: null, reportSeq: guard.sequence })
    .where(
      and(
        eq(tasks.id, guard.id),
        eq(tasks.agentId, guard.agentId),
        eq(tasks.status, 'RUNNING'),
        eq(tasks.attempt, guard.attempt),
        eq(tasks.sessionEpoch, guard.epoch),
        lt(tasks.reportSeq, guard.sequence),
      ),
    )
    .returning(moved);
  return row;
}

/** PENDING -> CANCELLED. */
export async function cancelPending(tx: Tx, where: SQL | undefined, reason: string): Promise<Moved[]> {
  return tx
    .update(tasks)
    .set({
      status: 'CANCELLED',
      finishedAt: sql`now()`,
      cancelRequestedAt: sql`coalesce(${tasks.cancelRequestedAt}, now())`,
      result: { action: 'none', message: reason },
    })
    .where(and(eq(tasks.status, 'PENDING'), lockedInOrder(tx, and(eq(tasks.status, 'PENDING'), where))))
    .returning(moved);
}

/** An UPDATE by itself locks rows in no order, and agents start and report others of them meanwhile. */
const lockedInOrder = (tx: Tx, which: SQL | undefined) =>
  inArray(tasks.id, tx.select({ id: tasks.id }).from(tasks).where(which).orderBy(asc(tasks.id)).for('no key update'));

/** Asks the agents of RUNNING tasks to stop at a safe point. */
export async function requestCancel(tx: Tx, where: SQL | undefined): Promise<Moved[]> {
  const isRunning = and(eq(tasks.status, 'RUNNING'), isNull(tasks.cancelRequestedAt));
  return tx
    .update(tasks)
    .set({ cancelRequestedAt: sql`now()` })
    .where(and(isRunning, lockedInOrder(tx, and(isRunning, where))))
    .returning(moved);
}

/**
 * RUNNING -> PENDING when the lease is lost: that spends an attempt and counts as no failure. A task that was to be
 * cancelled becomes CANCELLED, since nobody works on it any more; one that timed out becomes FAILED, as does one whose agent
 * was lost too often: it may be the task that ends the agent, which would be without end.
 */
export async function giveBack(tx: Tx, where: SQL | undefined): Promise<Moved[]> {
  return tx
    .update(tasks)
    .set({
      status: sql`case when ${tasks.timedOutAt} is not null then 'FAILED' when ${tasks.cancelRequestedAt} is not null then 'CANCELLED'
        when ${isLostTooOften} then 'FAILED' else 'PENDING' end::task_status`,
      error: sql`case when ${tasks.timedOutAt} is not null then ${JSON.stringify(TIMED_OUT)}::jsonb
        when ${tasks.cancelRequestedAt} is null and ${isLostTooOften} then ${JSON.stringify(AGENT_LOST)}::jsonb else ${tasks.error} end`,
      finishedAt: sql`case when ${tasks.cancelRequestedAt} is not null or ${isLostTooOften} then now() end`,
      sessionEpoch: null,
      deadline: null,
      phase: null,
      progress: null,
    })
    .where(and(eq(tasks.status, 'RUNNING'), where))
    .returning(moved);
}

/** RUNNING -> RUNNING under a new session, for the tasks that the agent still works on. */
export async function adoptRunning(
  tx: Tx,
  agentId: string,
  epoch: number,
  running: readonly { taskId: string; attempt: number }[],
): Promise<{ id: string; deploymentId: string }[]> {
  return tx.execute<{ id: string; deploymentId: string }>(sql`
    update tasks t set session_epoch = ${epoch}
    from jsonb_to_recordset(${JSON.stringify(running)}::jsonb) as r("taskId" uuid, attempt int)
    where t.id = r."taskId" and t.attempt = r.attempt and t.agent_id = ${agentId} and t.status = 'RUNNING'
    returning t.id, t.deployment_id as "deploymentId"`);
}

/** RUNNING -> PENDING for the agent's tasks that its new session has not adopted. */
export function giveBackLost(tx: Tx, agentId: string, epoch: number, adopted: readonly string[]): Promise<Moved[]> {
  const isOther = or(isNull(tasks.sessionEpoch), ne(tasks.sessionEpoch, epoch));
  const isLost = and(eq(tasks.agentId, agentId), isOther, notInArray(tasks.id, [...adopted]));
  return giveBack(tx, isLost);
}

const UNFINISHED = inArray(tasks.status, ['PENDING', 'RUNNING']);

/** PENDING or RUNNING -> CANCELLED without asking the agent, which has been removed. */
export async function cancelOfRemovedAgent(tx: Tx, agentId: string, reason: string): Promise<Moved[]> {
  return tx
    .update(tasks)
    .set({ status: 'CANCELLED', finishedAt: sql`now()`, result: { action: 'none', message: reason } })
    .where(and(eq(tasks.agentId, agentId), UNFINISHED))
    .returning(moved);
}

/** RUNNING -> FAILED for tasks of which no progress was reported before their deadline. */
export async function failStuck(tx: Tx, which: SQL | undefined): Promise<Moved[]> {
  return tx
    .update(tasks)
    .set({ status: 'FAILED', finishedAt: sql`now()`, error: STUCK })
    .where(and(eq(tasks.status, 'RUNNING'), which))
    .returning(moved);
}

/** Asks the agents of running tasks that are past their time limit to stop at a safe point. */
export async function requestTimeOut(tx: Tx, which: SQL | undefined): Promise<Moved[]> {
  return tx
    .update(tasks)
    .set({ timedOutAt: sql`now()`, cancelRequestedAt: sql`now()` })
    .where(and(eq(tasks.status, 'RUNNING'), which))
    .returning(moved);
}

/** PENDING -> FAILED for tasks whose time limit passed while they waited to be tried again. */
export async function failTimedOut(tx: Tx, which: SQL | undefined): Promise<Moved[]> {
  return tx
    .update(tasks)
    .set({ status: 'FAILED', timedOutAt: sql`now()`, finishedAt: sql`now()`, error: TIMED_OUT })
    .where(and(eq(tasks.status, 'PENDING'), which))
    .returning(moved);
}
