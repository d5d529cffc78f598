import { inArray, sql } from 'drizzle-orm';
import { checkSession, lockSession } from '../agents/store.ts';
import { type Db, type Tx, transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { tasks } from '../db/tables.ts';
import type { TaskFailure, TaskProgress, TaskResult } from '../db/values.ts';
import { endTasks } from '../deployments/settle.ts';
import { GraphiumError, notFound } from '../errors.ts';
import { effectOf, type TaskStatus } from './state.ts';
import {
  addEvents,
  applyProgress,
  applyReport,
  listOwnTasks,
  lockTasks,
  type Moved,
  type PendingTask,
  start,
  type TaskRow,
  toEvents,
} from './store.ts';

/** What an agent does with its tasks: lease them and report on them. */

export function startTasks(db: Db, agentId: string, epoch: number, ids: readonly string[]): Promise<PendingTask[]> {
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

/** @throws GraphiumError NOT_FOUND when one of the tasks is not this agent's; then nothing is changed */
export function reportTasks(
  db: Db,
  agentId: string,
  epoch: number,
  reports: readonly AgentReport[],
): Promise<ReportResult[]> {
  const ongoing = reports.filter((report) => report.status === 'RUNNING');
  const ending = reports.filter((report) => report.status !== 'RUNNING');
  return transact(db, async (tx) => {
    await (ending.length > 0 ? lockSession(tx, agentId, epoch) : checkSession(tx, agentId, epoch));
    return [...(await goOn(tx, agentId, epoch, ongoing)), ...(await end(tx, agentId, epoch, ending))];
  });
}

/** Phase and progress: the bulk of all reports, so one statement for all of them and no lock but their rows'. */
async function goOn(tx: Tx, agentId: string, epoch: number, reports: readonly AgentReport[]): Promise<ReportResult[]> {
  if (reports.length === 0) return [];
  // An UPDATE takes any one of several rows for the same task; it must be the newest.
  const sameAttempt = Map.groupBy(reports, ({ taskId, attempt }) => `${taskId} ${attempt}`).values();
  const newest = sameAttempt.map((same) => same.reduce((one, other) => (other.sequence > one.sequence ? other : one)));
  const rows = await applyProgress(tx, agentId, epoch, [...newest]);
  const accepted = new Map(rows.map((row) => [row.id, row.attempt]));
  const others = reports.filter(({ taskId }) => !accepted.has(taskId)).map(({ taskId }) => taskId);
  if (others.length > 0) await getOwnTasks(tx, agentId, others);
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

/** Results: each counts only if its attempt still holds the task, and lets others go on. */
async function end(tx: Tx, agentId: string, epoch: number, reports: readonly AgentReport[]): Promise<ReportResult[]> {
  if (reports.length === 0) return [];
  const ids = reports.map((report) => report.taskId);
  await lockTasks(tx, inArray(tasks.id, ids));
  const known = await getOwnTasks(tx, agentId, ids);
  const moved: Moved[] = [];
  const results: ReportResult[] = [];
  for (const report of reports) {
    const task = known.get(report.taskId);
    const row = task && (await apply(tx, agentId, epoch, report, task));
    if (row) moved.push(row);
    results.push({ taskId: report.taskId, outcome: row ? 'ACCEPTED' : 'STALE' });
  }
  await endTasks(
    tx,
    moved.filter((row) => row.status !== 'PENDING'),
  );
  if (moved.length > 0) {
    const deploymentTopics = moved.map((row) => topic.deployment(row.deploymentId));
    await notify(tx, [topic.pending(agentId), ...deploymentTopics, topic.tasks]);
  }
  return results;
}

/** @throws GraphiumError NOT_FOUND when one of them is not this agent's */
async function getOwnTasks(tx: Tx, agentId: string, ids: readonly string[]): Promise<Map<string, TaskRow>> {
  const known = new Map((await listOwnTasks(tx, agentId, ids)).map((task) => [task.id, task]));
  const unknown = ids.find((id) => !known.has(id));
  if (unknown !== undefined) throw notFound('task', unknown);
  return known;
}

async function apply(tx: Tx, agentId: string, epoch: number, report: AgentReport, task: TaskRow) {
  const cancelRequested = task.cancelRequestedAt !== null;
  const effect = effectOf(report, { ...task, cancelRequested }, Math.random());
  if (!effect) {
    throw new GraphiumError('BAD_INPUT', `An agent cannot report a task as ${report.status}.`, { taskId: task.id });
  }
  const { attempt, sequence, error, result } = report;
  const guard = { id: task.id, agentId, epoch, attempt, sequence };
  // The last word on phase and progress comes with the result: what was under way may not have been reported at all.
  const { phase, progress } = report;
  const said = { ...(phase && { phase }), ...(progress && { progress }) };
  const end = { ...said, error, deadline: null, sessionEpoch: null };
  const row = await applyReport(
    tx,
    guard,
    effect.status === 'PENDING'
      ? {
          ...end,
          status: 'PENDING',
          failures: task.failures + 1,
          phase: null,
          notBefore: sql`now() + make_interval(secs => ${effect.delayMs / 1000})` as never,
        }
      : {
          ...end,
          status: effect.status,
          result,
          failures: task.failures + (effect.status === 'FAILED' ? 1 : 0),
          finishedAt: sql`now()` as never,
        },
  );
  if (row) await addEvents(tx, toEvents([row], error?.message ?? result?.message ?? null));
  return row;
}
