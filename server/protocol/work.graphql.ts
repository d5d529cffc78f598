import { checkSession, renewSessions } from '../agents/store.ts';
import { GraphiumError } from '../base/errors.ts';
import { topic } from '../db/notify.ts';
import { toStorable } from '../db/values.ts';
import { builder, checkId, describedEnum } from '../schema/builder.ts';
import { agentOf, type Context } from '../schema/context.ts';
import { ContainerLeft, TaskKind, TaskPhase, TaskStatus } from '../tasks/graphql.ts';
import { listPending, type PendingTask } from '../tasks/pending.ts';
import { type ReportResult, reportTasks, startTasks } from './work.ts';

/** What only agents call. */

const PendingTaskType = builder.objectRef<PendingTask>('PendingTask').implement({
  description: 'A task as its agent needs it.',
  authScopes: { agent: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id.' }),
    kind: t.field({ type: TaskKind, description: 'What to do.', resolve: (task) => task.kind }),
    status: t.field({
      type: TaskStatus,
      description: 'PENDING, or RUNNING when it is to be cancelled or was just started.',
      resolve: (task) => task.status,
    }),
    attempt: t.exposeInt('attempt', { description: 'Belongs into every report of it.' }),
    stack: t.exposeString('stack', { description: 'The stack it is for.' }),
    containerName: t.exposeString('containerName', { nullable: true, description: 'The container it is about.' }),
    priority: t.exposeInt('priority', { description: 'Higher ones first.' }),
    cancelRequested: t.boolean({
      description: 'Whether to stop it at a safe point.',
      resolve: (task) => task.cancelRequestedAt !== null,
    }),
    spec: t.field({
      type: 'JSON',
      description:
        'What to do in detail, by kind. `version` and unknown fields let an older agent refuse what it does not know.',
      resolve: (task) => task.spec,
    }),
  }),
});

const ReportOutcome = describedEnum('ReportOutcome', 'What became of a report.', {
  ACCEPTED: 'It counts.',
  STALE: 'The attempt no longer holds the task; drop the work.',
});

const TaskReportResult = builder.objectRef<ReportResult>('TaskReportResult').implement({
  description: 'The answer to one report.',
  authScopes: { agent: true },
  fields: (t) => ({
    taskId: t.exposeID('taskId', { description: 'The task.' }),
    outcome: t.field({ type: ReportOutcome, description: 'What became of the report.', resolve: (row) => row.outcome }),
  }),
});

const LayerProgressInput = builder.inputType('LayerProgressInput', {
  description: 'One layer of an image that is being pulled.',
  fields: (t) => ({
    id: t.string({ required: true, description: "The layer's short id." }),
    status: t.string({ required: true, description: 'What Docker does with it.' }),
    currentBytes: t.float({ description: 'Bytes so far.' }),
    totalBytes: t.float({ description: 'Bytes in all.' }),
  }),
});

const TaskProgressInput = builder.inputType('TaskProgressInput', {
  description: 'How far a task is.',
  fields: (t) => ({
    message: t.string({ description: 'In words.' }),
    currentBytes: t.float({ description: 'Bytes so far.' }),
    totalBytes: t.float({ description: 'Bytes in all.' }),
    layers: t.field({ type: [LayerProgressInput], description: 'The layers of a pull.' }),
  }),
});

const TaskErrorInput = builder.inputType('TaskErrorInput', {
  description: 'Why a task failed.',
  fields: (t) => ({
    code: t.string({ required: true, description: 'A stable code.' }),
    message: t.string({ required: true, description: 'What failed, in words.' }),
    exitCode: t.int({ description: 'With what the container ended.' }),
    oomKilled: t.boolean({ description: 'Whether it ran out of memory.' }),
    healthLog: t.stringList({ description: 'The last outputs of the health check.' }),
    logs: t.stringList({ description: 'The last log lines.' }),
    left: t.field({ type: ContainerLeft, description: "What stands under the container's name now." }),
  }),
});

const TaskResultInput = builder.inputType('TaskResultInput', {
  description: 'What a finished task did.',
  fields: (t) => ({
    containerId: t.id({ description: "Docker's id of the container." }),
    action: t.string({ required: true, description: 'What was done.' }),
    message: t.string({ description: 'More in words.' }),
    left: t.field({ type: ContainerLeft, description: "What stands under the container's name now." }),
  }),
});

const TaskReport = builder.inputType('TaskReport', {
  description: 'The latest state of one attempt at a task.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'The task.' }),
    attempt: t.int({ required: true, description: 'The attempt it was started with.' }),
    sequence: t.int({
      required: true,
      description: 'Rises with every report of the attempt, from 1, so that a late one is dropped.',
    }),
    status: t.field({ type: TaskStatus, required: true, description: 'RUNNING, COMPLETED, FAILED or CANCELLED.' }),
    phase: t.field({ type: TaskPhase, description: 'What it is doing.' }),
    progress: t.field({ type: TaskProgressInput, description: 'How far it is.' }),
    error: t.field({ type: TaskErrorInput, description: 'With FAILED: why.' }),
    retryable: t.boolean({ description: 'With FAILED: whether trying again may help.' }),
    result: t.field({ type: TaskResultInput, description: 'With COMPLETED and CANCELLED: what was done.' }),
  }),
});

const pendingArgs = (t: PendingArgs) => ({
  epoch: t.arg.int({ required: true, description: "The session's number." }),
  limit: t.arg.int({ required: true, defaultValue: 64, description: 'At most so many, 1 to 256.' }),
});
type PendingArgs = Parameters<Parameters<typeof builder.queryField>[1]>[0];

async function readPending({ db, caller }: Context, epoch: number, limit: number): Promise<PendingTask[]> {
  const { agentId } = agentOf(caller);
  const [pending] = await Promise.all([listPending(db, agentId, limit), checkSession(db, agentId, epoch)]);
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
      'For agents without a stream: the complete set of tasks that need this agent now. Asking renews the session.',
    args: pendingArgs(t),
    resolve: async (_root, { epoch, limit }, context) => {
      await renewSessions(context.db, [{ agentId: agentOf(context.caller).agentId, epoch }]);
      return readPending(context, epoch, checkLimit(limit));
    },
  }),
);

builder.subscriptionField('pendingTasks', (t) =>
  t.field({
    type: [PendingTaskType],
    authScopes: { agent: true },
    description: 'For agents: the complete set of tasks that need this agent, now and whenever it changes.',
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

builder.mutationFields((t) => ({
  startTasks: t.field({
    type: [PendingTaskType],
    authScopes: { agent: true },
    description:
      'For agents: leases tasks. Gives those that are now theirs to do, with their attempt; the others were not ready.',
    args: {
      epoch: t.arg.int({ required: true, description: "The session's number." }),
      ids: t.arg.idList({ required: true, description: 'The tasks.' }),
    },
    resolve: (_root, { epoch, ids }, { db, vault, caller }) =>
      startTasks(
        { db, vault },
        agentOf(caller).agentId,
        epoch,
        ids.map((id) => checkId('task', id)),
      ),
  }),
  reportTasks: t.field({
    type: [TaskReportResult],
    authScopes: { agent: true },
    description:
      'For agents: says how tasks stand. Each report is answered for itself; a task of another agent is NOT_FOUND and nothing counts.',
    args: {
      epoch: t.arg.int({ required: true, description: "The session's number." }),
      reports: t.arg({ type: [TaskReport], required: true, description: 'The reports.' }),
    },
    resolve: (_root, { epoch, reports }, { db, caller }) =>
      reportTasks(
        db,
        agentOf(caller).agentId,
        epoch,
        reports.map((report) => ({
          ...report,
          taskId: checkId('task', report.taskId),
          phase: report.phase ?? null,
          progress: toStorable(report.progress ?? null),
          error: toStorable(report.error ?? null),
          retryable: report.retryable ?? false,
          result: toStorable(report.result ?? null),
        })),
      ),
  }),
}));
