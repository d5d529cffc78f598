import { inArray, sql } from 'drizzle-orm';
import { checkSession, lockSession } from '../agents/store.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { createGather, type Gather } from '../base/gather.ts';
import { isDatabaseBusy, isDatabaseUnavailable, transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { tasks } from '../db/tables.ts';
import type { Db, Tx } from '../db/types.ts';
import type { TaskFailure, TaskProgress, TaskResult, TaskSpec } from '../db/values.ts';
import { announce, endTasks } from '../deployments/settle.ts';
import { checkOpen } from '../secrets/at-rest.ts';
import { openFiles } from '../secrets/seal.ts';
import { listStartedBlockers, unblockStarted } from '../tasks/blockers.ts';
import { applyProgress, endAttempt, start, TIMED_OUT } from '../tasks/moves.ts';
import type { PendingTask } from '../tasks/pending.ts';
import { listTasksById } from '../tasks/queries.ts';
import { type Effect, effectOf, type TaskStatus } from '../tasks/state.ts';
import { addEvents, lockTasks, specOf, type TaskRow, toEvents, uuids } from '../tasks/store.ts';

/** What an agent does with its tasks: it leases them and reports on them. */

/**
 * Leases tasks and opens their secrets, which are sealed in the database. A task whose secrets cannot be opened fails and
 * says so; if it made the whole request fail, its agent would get none of the other tasks either.
 */
export async function startTasks(
  db: Db,
  agentId: string,
  epoch: number,
  ids: readonly string[],
): Promise<StartedTask[]> {
  const started = await lease(db, agentId, epoch, ids);
  const opened = started.map((task) => open(task, db));
  const failures = opened.filter((one) => 'error' in one);
  if (failures.length > 0) await reportTasks(db, agentId, epoch, failures.map(toReport));
  return opened.filter((one) => 'opened' in one);
}

/** With its spec and its secrets open. */
export type StartedTask = PendingTask & { opened: TaskSpec };

function open(task: PendingTask, db: Db): StartedTask | { task: PendingTask; error: TaskFailure } {
  try {
    const spec = specOf(db, task);
    if (!('container' in spec)) return { ...task, opened: spec };
    checkOpen(spec);
    return { ...task, opened: { ...spec, container: openFiles(spec.container, db.$vault, task.stack) } };
  } catch (error) {
    if (!(error instanceof GraphiumError)) throw error;
    return { task, error: { code: error.code, message: error.message } };
  }
}

const toReport = ({ task, error }: { task: PendingTask; error: TaskFailure }): AgentReport => ({
  taskId: task.id,
  attempt: task.attempt,
  sequence: 1,
  status: 'FAILED',
  phase: null,
  progress: null,
  error,
  retryable: false,
  result: null,
});

function lease(db: Db, agentId: string, epoch: number, ids: readonly string[]): Promise<PendingTask[]> {
  return transact(db, async (tx) => {
    await lockSession(tx, agentId, epoch);
    const started = await start(tx, agentId, epoch, ids);
    const events = started.map((task) => ({ taskId: task.id, status: task.status, attempt: task.attempt }));
    await addEvents(tx, events);
    if (started.length > 0) {
      await notify(tx, [...started.map((task) => topic.deployment(task.deploymentId)), topic.tasks]);
    }
    return started;
  });
}

export type AgentReport = {
  taskId: string;
  attempt: number;
  sequence: number;
  status: TaskStatus;
  phase: TaskRow['phase'];
  progress: TaskProgress | null;
  error: TaskFailure | null;
  retryable: boolean;
  result: TaskResult | null;
};

export type ReportResult = { taskId: string; outcome: 'ACCEPTED' | 'STALE' };

/** What one request of an agent reports. */
type Sent = { agentId: string; epoch: number; reports: readonly AgentReport[] };

const isEnd = ({ status }: AgentReport) => status !== 'RUNNING';

/** @throws GraphiumError NOT_FOUND when one of the tasks is not this agent's; then nothing is changed */
export async function reportTasks(
  db: Db,
  agentId: string,
  epoch: number,
  reports: readonly AgentReport[],
): Promise<ReportResult[]> {
  const sent = { agentId, epoch, reports };
  const results = reports.some(isEnd)
    ? await gatherEnds(db)(await keyOf(db, reports), sent)
    : await transact(db, async (tx) => {
        await checkSession(tx, agentId, epoch);
        return reportProgress(tx, sent);
      });
  await releaseStarted(
    db,
    reports.filter((report) => !isEnd(report) && report.phase === 'VERIFYING').map(({ taskId }) => taskId),
  );
  return results;
}

const MOST_TOGETHER = 64;
const gathers = new WeakMap<Db, Gather<Sent, ReportResult[]>>();

/** Ends lock their deployment, so those of a large one are taken together, whichever agents they come from. */
function gatherEnds(db: Db): Gather<Sent, ReportResult[]> {
  const isShared = (error: unknown) => isDatabaseBusy(error) || isDatabaseUnavailable(error);
  const known = gathers.get(db);
  const gather =
    known ?? createGather<Sent, ReportResult[]>((all) => takeEnds(db, all), { most: MOST_TOGETHER, isShared });
  if (!known) gathers.set(db, gather);
  return gather;
}

async function keyOf(db: Db, reports: readonly AgentReport[]): Promise<string> {
  const ids = reports.filter(isEnd).map(({ taskId }) => taskId);
  const found = await db.selectDistinct({ id: tasks.deploymentId }).from(tasks).where(inArray(tasks.id, ids));
  return found
    .map(({ id }) => id)
    .toSorted()
    .join();
}

function takeEnds(db: Db, all: readonly Sent[]): Promise<ReportResult[][]> {
  return transact(db, async (tx) => {
    const inOrder = all.toSorted((one, other) => (one.agentId < other.agentId ? -1 : 1));
    await Promise.all(inOrder.map(({ agentId, epoch }) => lockSession(tx, agentId, epoch)));
    const progress: ReportResult[][] = [];
    for (const sent of all) progress.push(await reportProgress(tx, sent));
    const ends = await reportEnds(tx, all);
    return all.map((sent, index) => [
      ...(progress[index] ?? []),
      ...ends.flatMap((end) => (end.sent === sent ? [end.result] : [])),
    ]);
  });
}

/**
 * Unblocks tasks that wait only for a container's process to run. It has a transaction of its own, since it locks other
 * tasks than those reported on; if the server dies in between, the sweep does it.
 * @param taskIds the tasks whose process runs; null: looks for all of them
 */
export async function releaseStarted(db: Db, taskIds: readonly string[] | null): Promise<void> {
  if (taskIds?.length === 0) return;
  const started = await listStartedBlockers(db, taskIds);
  if (started.length === 0) return;
  await transact(db, async (tx) => {
    const waiting = sql`(select b.task_id from task_blockers b where b.blocked_by = any(${uuids(started)}))`;
    await lockTasks(tx, sql`${tasks.id} in ${waiting}`);
    const released = await unblockStarted(tx, started);
    await announce(tx, [released]);
    await notify(tx, released.deploymentIds.map(topic.deployment));
  });
}

/** Takes phase and progress. They are the bulk of all reports: one statement for all of them, no lock but on their rows. */
async function reportProgress(tx: Tx, { agentId, epoch, reports: all }: Sent): Promise<ReportResult[]> {
  const reports = all.filter((report) => !isEnd(report));
  if (reports.length === 0) return [];
  // An UPDATE would take any of several rows for the same task, and must get the newest.
  const sameAttempt = Map.groupBy(reports, ({ taskId, attempt }) => `${taskId} ${attempt}`).values();
  const newest = sameAttempt.map((same) => same.reduce((one, other) => (other.sequence > one.sequence ? other : one)));
  const rows = await applyProgress(tx, agentId, epoch, [...newest]);
  const accepted = new Map(rows.map((row) => [row.id, row.attempt]));
  const others = reports.filter(({ taskId }) => !accepted.has(taskId)).map(({ taskId }) => taskId);
  if (others.length > 0) {
    const known = byId(await listTasksById(tx, others));
    for (const taskId of others) ownTask(known, agentId, taskId);
  }
  const changed = rows.filter((row) => row.phaseChanged);
  await addEvents(
    tx,
    changed.map(({ id, attempt, phase }) => ({ taskId: id, status: 'RUNNING', attempt, phase })),
  );
  await notify(tx, rows.length > 0 ? [...rows.map((row) => topic.deployment(row.deploymentId)), topic.tasks] : []);
  return reports.map(({ taskId, attempt }) => ({
    taskId,
    outcome: accepted.get(taskId) === attempt ? 'ACCEPTED' : 'STALE',
  }));
}

/** Takes results: each counts only if its attempt still holds the task, and unblocks others. */
async function reportEnds(tx: Tx, all: readonly Sent[]): Promise<{ sent: Sent; result: ReportResult }[]> {
  const ends = all.flatMap((sent) => sent.reports.filter(isEnd).map((report) => ({ sent, report })));
  const ids = ends.map(({ report }) => report.taskId);
  const [, rows] = await Promise.all([lockTasks(tx, inArray(tasks.id, ids)), listTasksById(tx, ids)]);
  const known = byId(rows);
  const toApply = ends.map(({ sent, report }) => ({ sent, report, task: ownTask(known, sent.agentId, report.taskId) }));
  const applied = await Promise.all(toApply.map(({ sent, report, task }) => apply(tx, sent, report, task)));
  const moved = applied.flatMap((one) => (one ? [one.row] : []));
  await endTasks(
    tx,
    moved.filter((row) => row.status !== 'PENDING'),
    applied.flatMap((one) => (one ? toEvents([one.row], one.message) : [])),
  );
  await notify(tx, [
    ...moved.flatMap((row) => [topic.pending(row.agentId), topic.deployment(row.deploymentId), topic.tasks]),
    ...(moved.some((row) => row.status === 'PENDING') ? [topic.due] : []),
  ]);
  return ends.map(({ sent, report: { taskId } }, index) => ({
    sent,
    result: { taskId, outcome: applied[index] ? 'ACCEPTED' : 'STALE' },
  }));
}

const byId = (rows: readonly TaskRow[]) => new Map(rows.map((row) => [row.id, row]));

/** @throws GraphiumError NOT_FOUND when it is not this agent's */
function ownTask(known: ReadonlyMap<string, TaskRow>, agentId: string, taskId: string): TaskRow {
  const task = known.get(taskId);
  if (task?.agentId !== agentId) throw notFound('task', taskId);
  return task;
}

/** Applies a report that ends an attempt. @returns undefined when it is stale */
async function apply(tx: Tx, { agentId, epoch }: Sent, report: AgentReport, task: TaskRow) {
  const cancelRequested = task.cancelRequestedAt !== null;
  const isLate = task.timedOutAt !== null && report.status === 'CANCELLED';
  const status = isLate ? 'FAILED' : report.status;
  const effect = effectOf({ ...report, status }, { ...task, cancelRequested }, Math.random());
  if (!effect) {
    throw new GraphiumError('BAD_INPUT', `An agent cannot report a task as ${report.status}.`, { taskId: task.id });
  }
  const { attempt, sequence, result } = report;
  const error = isLate ? { ...TIMED_OUT, left: result?.left } : report.error;
  const guard = { id: task.id, agentId, epoch, attempt, sequence };
  const row = await endAttempt(tx, guard, { ...lastProgress(report), error, ...outcomeOf(effect, task, result) });
  return row && { row, message: error?.message ?? result?.message ?? null };
}

/** The last phase and progress come with the result, since they may not have been reported before it. */
const lastProgress = ({ phase, progress }: AgentReport) => ({ ...(phase && { phase }), ...(progress && { progress }) });

function outcomeOf(effect: Effect, { failures }: TaskRow, result: TaskResult | null) {
  if (effect.status === 'PENDING') {
    const notBefore = sql`now() + make_interval(secs => ${effect.delayMs / 1_000})`;
    return { status: effect.status, failures: failures + 1, phase: null, notBefore };
  }
  const failed = effect.status === 'FAILED' ? 1 : 0;
  return { status: effect.status, result, failures: failures + failed, finishedAt: sql`now()` };
}
