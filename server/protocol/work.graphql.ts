import { isLiveSession, renewSessions, sessionLost } from '../agents/store.ts';
import { GraphiumError } from '../base/errors.ts';
import { topic } from '../db/notify.ts';
import { toStorable } from '../db/values.ts';
import { builder, checkId, describedEnum } from '../schema/builder.ts';
import { agentOf, type Context } from '../schema/context.ts';
import { TaskKind, TaskStatus } from '../tasks/graphql.ts';
import { ContainerLeft } from '../tasks/outcome.graphql.ts';
import { listPending, type PendingTask } from '../tasks/pending.ts';
import { TaskPhase } from '../tasks/progress.graphql.ts';
import { specOf, variablesOf, withoutVariables } from '../tasks/store.ts';
import { type ReportResult, reportTasks, type StartedTask, startTasks } from './work.ts';

/** The part of the API that only agents call: their tasks and the reports on them. */

const PendingTaskType = builder.objectRef<PendingTask | StartedTask>('PendingTask').implement({
  description: 'A task as its agent receives it.',
  authScopes: { agent: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: "The task's ID, a UUID." }),
    kind: t.field({ type: TaskKind, description: 'What to do.', resolve: (task) => task.kind }),
    status: t.field({
      type: TaskStatus,
      description: "The task's status: PENDING, or RUNNING if it was just started or is to be cancelled.",
      resolve: (task) => task.status,
    }),
    attempt: t.exposeInt('attempt', {
      description: "The number of the task's current attempt, which every report about it must send.",
    }),
    stack: t.exposeString('stack', { description: 'The name of the stack that the task is for.' }),
    containerName: t.exposeString('containerName', {
      nullable: true,
      description: 'The name of the container that the task is about; null for PULL and CLEAN.',
    }),
    priority: t.exposeInt('priority', { description: "The task's priority. Tasks with a higher one start first." }),
    cancelRequested: t.boolean({
      description: 'Whether the task is to be stopped at a safe point.',
      resolve: (task) => task.cancelRequestedAt !== null,
    }),
    spec: t.field({
      type: 'JSON',
      description:
        'The details of what to do; their shape depends on `kind` and on `version` in them. An agent must refuse a version or a field that it does not know.',
      resolve: (task, _args, { db }) => withoutVariables('opened' in task ? task.opened : specOf(db, task)),
    }),
    variables: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The values of variables that are somewhere in `spec`, by the names of the variables: what a container prints of them is not to be reported. Null if there are none.',
      resolve: (task, _args, { db }) => variablesOf('opened' in task ? task.opened : specOf(db, task)),
    }),
  }),
});

const ReportOutcome = describedEnum('ReportOutcome', 'What became of a report.', {
  ACCEPTED: 'The report was accepted.',
  STALE: 'The attempt no longer holds the task; the agent must drop its work on it.',
});

const TaskReportResult = builder.objectRef<ReportResult>('TaskReportResult').implement({
  description: 'The answer to one report.',
  authScopes: { agent: true },
  fields: (t) => ({
    taskId: t.exposeID('taskId', { description: "The task's ID." }),
    outcome: t.field({ type: ReportOutcome, description: 'What became of the report.', resolve: (row) => row.outcome }),
  }),
});

const LayerProgressInput = builder.inputType('LayerProgressInput', {
  description: 'The progress of one layer of an image that is being pulled.',
  fields: (t) => ({
    id: t.string({ required: true, description: "The layer's short ID." }),
    status: t.string({ required: true, description: 'What Docker is doing with the layer, such as `Downloading`.' }),
    currentBytes: t.float({ description: 'The number of bytes processed so far.' }),
    totalBytes: t.float({ description: 'The total number of bytes, if known.' }),
  }),
});

const TaskProgressInput = builder.inputType('TaskProgressInput', {
  description: 'How far a task has come.',
  fields: (t) => ({
    message: t.string({ description: 'The progress in words.' }),
    currentBytes: t.float({ description: 'The number of bytes processed so far, in all layers.' }),
    totalBytes: t.float({ description: 'The total number of bytes in all layers, as far as known.' }),
    layers: t.field({ type: [LayerProgressInput], description: 'The layers of the image that is being pulled.' }),
  }),
});

const TaskErrorInput = builder.inputType('TaskErrorInput', {
  description: 'Why a task failed.',
  fields: (t) => ({
    code: t.string({ required: true, description: 'A stable code, such as those of `TaskErrorCode`.' }),
    message: t.string({ required: true, description: 'What failed and what to do about it, in words.' }),
    exitCode: t.int({ description: "The exit code of the container's main process, if it ended." }),
    oomKilled: t.boolean({ description: 'Whether the container was killed because it ran out of memory.' }),
    healthLog: t.stringList({ description: 'The output of the last health checks, oldest first.' }),
    logs: t.stringList({ description: 'The last log lines of the container, oldest first.' }),
    left: t.field({ type: ContainerLeft, description: "What is now under the container's name, if known." }),
  }),
});

const TaskResultInput = builder.inputType('TaskResultInput', {
  description: 'What a finished task did.',
  fields: (t) => ({
    containerId: t.id({ description: "The container's ID on the Docker engine." }),
    action: t.string({
      required: true,
      description: 'What was done, in one word, such as `created`, `replaced` or `unchanged`.',
    }),
    message: t.string({ description: 'More about what was done, in words.' }),
    left: t.field({ type: ContainerLeft, description: "What is now under the container's name, if known." }),
  }),
});

const TaskReport = builder.inputType('TaskReport', {
  description: 'The latest state of one attempt at a task.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: "The task's ID." }),
    attempt: t.int({ required: true, description: 'The attempt that the agent started the task with.' }),
    sequence: t.int({
      required: true,
      description:
        "The report's number, which increases with every report of the attempt, starting from 1. Reports that arrive late are dropped by it.",
    }),
    status: t.field({
      type: TaskStatus,
      required: true,
      description: "The task's status: RUNNING, COMPLETED, FAILED or CANCELLED.",
    }),
    phase: t.field({ type: TaskPhase, description: 'What the agent is doing.' }),
    progress: t.field({ type: TaskProgressInput, description: 'How far the task has come.' }),
    error: t.field({ type: TaskErrorInput, description: 'For FAILED, why the task failed.' }),
    retryable: t.boolean({
      description: 'For FAILED, whether the failure may be temporary, so that the task is retried.',
    }),
    result: t.field({ type: TaskResultInput, description: 'For COMPLETED and CANCELLED, what was done.' }),
  }),
});

const pendingArgs = (t: PendingArgs) => ({
  epoch: t.arg.int({ required: true, description: "The session's number." }),
  limit: t.arg.int({
    required: true,
    defaultValue: 64,
    description: 'The maximum number of tasks to return, from 1 to 256.',
  }),
});
type PendingArgs = Parameters<Parameters<typeof builder.queryField>[1]>[0];

async function readPending({ db, caller }: Context, epoch: number, limit: number): Promise<PendingTask[]> {
  const { agentId } = agentOf(caller);
  const pending = await listPending(db, agentId, isLiveSession(epoch), limit);
  if (!pending) throw sessionLost(epoch);
  return pending;
}

function checkLimit(limit: number): number {
  if (limit < 1 || limit > 256) throw new GraphiumError('BAD_INPUT', `limit: expected 1 to 256, got ${limit}.`);
  return limit;
}

builder.queryField('pendingTasks', (t) =>
  t.field({
    type: [PendingTaskType],
    authScopes: { agent: true },
    description:
      'For agents that cannot subscribe: the complete set of tasks that currently need this agent. The query also keeps the session alive.',
    args: pendingArgs(t),
    resolve: async (_root, { epoch, limit }, context) => {
      await renewSessions(context.db, [{ agentId: agentOf(context.caller).agentId, epoch, silentSeconds: 0 }]);
      return readPending(context, epoch, checkLimit(limit));
    },
  }),
);

builder.subscriptionField('pendingTasks', (t) =>
  t.field({
    type: [PendingTaskType],
    authScopes: { agent: true },
    description:
      'For agents: the complete set of tasks that need this agent, sent at once and again whenever it changes.',
    args: pendingArgs(t as unknown as PendingArgs),
    subscribe: (_root, { epoch, limit }, context) => {
      const { agentId } = agentOf(context.caller);
      const topics = [topic.pending(agentId), topic.session(agentId)];
      return context.live(topics, () => readPending(context, epoch, checkLimit(limit)), { key: keyOf });
    },
    resolve: (tasks: PendingTask[]) => tasks,
  }),
);

const keyOf = (tasks: readonly PendingTask[]) =>
  tasks.map((task) => `${task.id}/${task.attempt}/${task.cancelRequestedAt !== null}`).join();

const toReport = (report: typeof TaskReport.$inferInput) => ({
  ...report,
  taskId: checkId('task', report.taskId),
  phase: report.phase ?? null,
  progress: toStorable(report.progress ?? null),
  error: toStorable(report.error ?? null),
  retryable: report.retryable ?? false,
  result: toStorable(report.result ?? null),
});

builder.mutationFields((t) => ({
  startTasks: t.field({
    type: [PendingTaskType],
    authScopes: { agent: true },
    description:
      'For agents: starts tasks. Returns those that the agent now holds, with their new attempt; the others were not ready.',
    args: {
      epoch: t.arg.int({ required: true, description: "The session's number." }),
      ids: t.arg.idList({ required: true, description: 'The IDs of the tasks.' }),
    },
    resolve: (_root, { epoch, ids }, { db, caller }) => {
      const taskIds = ids.map((id) => checkId('task', id));
      return startTasks(db, agentOf(caller).agentId, epoch, taskIds);
    },
  }),
  reportTasks: t.field({
    type: [TaskReportResult],
    authScopes: { agent: true },
    description:
      'For agents: reports on tasks. Each report is answered separately. If any task belongs to another agent, none is accepted: NOT_FOUND.',
    args: {
      epoch: t.arg.int({ required: true, description: "The session's number." }),
      reports: t.arg({ type: [TaskReport], required: true, description: 'The reports.' }),
    },
    resolve: (_root, { epoch, reports }, { db, caller }) =>
      reportTasks(db, agentOf(caller).agentId, epoch, reports.map(toReport)),
  }),
}));
