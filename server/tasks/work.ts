import { inArray, sql } from 'drizzle-orm';
import { lockSession } from '../agents/store.ts';
import { type Db, type Tx, transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { tasks } from '../db/tables.ts';
import type { TaskFailure, TaskProgress, TaskResult } from '../db/values.ts';
import { endTasks } from '../deployments/settle.ts';
import { GraphiumError, notFound } from '../errors.ts';
import { effectOf, type TaskStatus } from './state.ts';
import {
  addEvents,
  applyReport,
  listOwnTasks,
  lockDeploymentsOf,
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
    await notifyTasks(
      tx,
      started.map((task) => task.id),
    );
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
  return transact(db, async (tx) => {
    await lockSession(tx, agentId, epoch);
    const ids = reports.map((report) => report.taskId);
    await lockDeploymentsOf(tx, inArray(tasks.id, ids));
    const known = new Map((await listOwnTasks(tx, agentId, ids)).map((task) => [task.id, task]));
    const ended: Moved[] = [];
    const results: ReportResult[] = [];
    for (const report of reports) {
      const task = known.get(report.taskId);
      if (!task) throw notFound('task', report.taskId);
      const row = await apply(tx, agentId, epoch, report, task);
      if (row && row.status !== 'RUNNING') ended.push(row);
      results.push({ taskId: report.taskId, outcome: row ? 'ACCEPTED' : 'STALE' });
    }
    await endTasks(
      tx,
      ended.filter((row) => row.status !== 'PENDING'),
    );
    if (ended.length > 0) await notify(tx, [topic.pending(agentId)]);
    await notifyTasks(tx, ids);
    return results;
  });
}

async function apply(tx: Tx, agentId: string, epoch: number, report: AgentReport, task: TaskRow) {
  const cancelRequested = task.cancelRequestedAt !== null;
  const effect = effectOf(report, { ...task, cancelRequested }, Math.random());
  if (!effect) {
    throw new GraphiumError('BAD_INPUT', `An agent cannot report a task as ${report.status}.`, { taskId: task.id });
  }
  const { attempt, sequence, phase, error, result } = report;
  const guard = { id: task.id, agentId, epoch, attempt, sequence };
  const progress = report.progress ?? undefined;
  if (effect.status === 'RUNNING') {
    const row = await applyReport(tx, guard, { phase, ...(progress && { progress }) });
    if (row && phase !== task.phase) await addEvents(tx, [{ taskId: task.id, status: 'RUNNING', phase, attempt }]);
    return row;
  }
  const end = { error, deadline: null, sessionEpoch: null };
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

async function notifyTasks(tx: Tx, taskIds: readonly string[]): Promise<void> {
  if (taskIds.length === 0) return;
  const deploymentIds = await deploymentIdsOf(tx, taskIds);
  await notify(tx, [...deploymentIds.map(topic.deployment), topic.tasks]);
}

async function deploymentIdsOf(tx: Tx, taskIds: readonly string[]): Promise<string[]> {
  const rows = await tx.execute<{ id: string }>(
    sql`select distinct deployment_id as id from tasks where id = any(${`{${taskIds.join(',')}}`}::uuid[])`,
  );
  return rows.map((row) => row.id);
}
