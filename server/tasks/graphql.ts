import { agentById } from '../agents/loaders.ts';
import { findAgent } from '../agents/store.ts';
import { topic } from '../db/notify.ts';
import type { LayerProgress, TaskFailure, TaskProgress, TaskResult } from '../db/values.ts';
import { builder, checkId, checkPage, describedEnum } from '../schema/builder.ts';
import { PageInfo, toPage } from '../schema/common.ts';
import type { Context } from '../schema/context.ts';
import { stackById } from '../stacks/loaders.ts';
import { missingImages as missingImagesOf, openBlockers as openBlockersOf, taskEvents } from './loaders.ts';
import { findTask, listTasks, type TaskEventRow, type TaskFilter } from './queries.ts';
import type { TaskRow } from './store.ts';
import { type WaitingOn, waitingOn } from './waiting.ts';

export const TaskKind = describedEnum('TaskKind', 'What a task does on its host.', {
  PULL: 'Fetches an image.',
  DEPLOY: 'Makes a container what its spec says: creates, starts, replaces, or leaves it.',
  STOP: 'Stops a container.',
  START: 'Starts a container; makes it again if it is gone.',
  RESTART: 'Stops a container and starts it.',
  DELETE: 'Stops and removes a container.',
  CLEAN: 'Removes what is left of a deleted stack: containers, networks and, when asked, volumes.',
});

export const TaskStatus = describedEnum('TaskStatus', 'Where a task stands. The last three are final.', {
  PENDING: 'It waits; `waitingOn` says for what.',
  RUNNING: 'Its agent works on it.',
  COMPLETED: 'Done.',
  FAILED: 'It did not work; `error` says why.',
  CANCELLED: 'It was ended before it was done.',
});

export const TaskPhase = describedEnum('TaskPhase', 'What a running task is doing.', {
  PULLING: 'Fetching the image.',
  PREPARING: 'Making networks and volumes.',
  CREATING: 'Creating the container.',
  STARTING: 'Starting it.',
  VERIFYING: 'Waiting until it is healthy and stays up.',
  STOPPING: 'Stopping it.',
  REMOVING: 'Removing it.',
  RESTORING: 'Bringing the old container back, for the new one is not good.',
  CLEANING: 'Removing networks and volumes.',
});

const WaitingReason = describedEnum('WaitingReason', 'Why something has not finished.', {
  AGENT_OFFLINE: 'Its agent is offline; it goes on when the agent returns.',
  BLOCKED: 'Another task comes first.',
  RETRY: 'It failed and is tried again later.',
  DELAY: 'The pause between two groups of a rollout.',
  IMAGE_GATE: 'Images come first, on every host that takes part.',
  SLOT: 'It is ready and its agent takes it next.',
  CANCEL_REQUESTED: 'It is to be cancelled and stops at a safe point.',
});

export const WaitingOnType = builder.objectRef<WaitingOn>('WaitingOn').implement({
  description: 'One reason why something has not finished.',
  authScopes: { viewer: true },
  fields: (t) => ({
    reason: t.field({ type: WaitingReason, description: 'The kind of reason.', resolve: (row) => row.reason }),
    message: t.exposeString('message', { description: 'The reason in words.' }),
    agent: t.string({ nullable: true, description: 'The agent concerned.', resolve: (row) => row.agent }),
    taskId: t.id({ nullable: true, description: 'The task that comes first.', resolve: (row) => row.taskId }),
    since: t.field({ type: 'DateTime', nullable: true, description: 'Since when.', resolve: (row) => row.since }),
    until: t.field({ type: 'DateTime', nullable: true, description: 'Until when.', resolve: (row) => row.until }),
  }),
});

const LayerProgressType = builder.objectRef<LayerProgress>('LayerProgress').implement({
  description: 'One layer of an image that is being pulled.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeString('id', { description: "The layer's short id." }),
    status: t.exposeString('status', { description: 'What Docker does with it, such as `Downloading`.' }),
    currentBytes: t.float({ nullable: true, description: 'Bytes so far.', resolve: (row) => row.currentBytes }),
    totalBytes: t.float({ nullable: true, description: 'Bytes in all, if known.', resolve: (row) => row.totalBytes }),
  }),
});

const TaskProgressType = builder.objectRef<TaskProgress>('TaskProgress').implement({
  description: 'How far a task is.',
  authScopes: { viewer: true },
  fields: (t) => ({
    message: t.string({ nullable: true, description: 'In words.', resolve: (row) => row.message }),
    currentBytes: t.float({
      nullable: true,
      description: 'Bytes so far, of all layers.',
      resolve: (row) => row.currentBytes,
    }),
    totalBytes: t.float({
      nullable: true,
      description: 'Bytes in all, as far as known.',
      resolve: (row) => row.totalBytes,
    }),
    layers: t.field({
      type: [LayerProgressType],
      description: 'The layers of a pull.',
      resolve: (row) => row.layers ?? [],
    }),
  }),
});

export const ContainerLeft = describedEnum(
  'ContainerLeft',
  "What stands under a container's name when its task has ended.",
  {
    PREVIOUS: 'The container from before.',
    NEW: 'The wanted one.',
    NONE: 'Nothing.',
  },
);

export const TaskErrorType = builder.objectRef<TaskFailure>('TaskError').implement({
  description: 'Why a task or a deployment failed.',
  authScopes: { viewer: true },
  fields: (t) => ({
    code: t.exposeString('code', { description: 'A stable code, such as `IMAGE_NOT_FOUND` or `PORT_IN_USE`.' }),
    message: t.exposeString('message', { description: 'What failed, in words.' }),
    taskId: t.id({
      nullable: true,
      description: "The task, when this is a deployment's cause.",
      resolve: (row) => row.taskId,
    }),
    agent: t.string({ nullable: true, description: 'The agent it happened on.', resolve: (row) => row.agent }),
    containerName: t.string({ nullable: true, description: 'The container.', resolve: (row) => row.containerName }),
    exitCode: t.int({ nullable: true, description: 'With what the container ended.', resolve: (row) => row.exitCode }),
    oomKilled: t.boolean({
      nullable: true,
      description: 'Whether it ran out of memory.',
      resolve: (row) => row.oomKilled,
    }),
    healthLog: t.stringList({
      description: 'The last outputs of the health check.',
      resolve: (row) => [...(row.healthLog ?? [])],
    }),
    left: t.field({
      type: ContainerLeft,
      nullable: true,
      description: "What stands under the container's name now; null if that is not known.",
      resolve: (row) => row.left,
    }),
    logs: t.stringList({
      description: 'The last log lines of the container, at most 100.',
      resolve: (row) => [...(row.logs ?? [])],
    }),
  }),
});

const TaskResultType = builder.objectRef<TaskResult>('TaskResult').implement({
  description: 'What a finished task did.',
  authScopes: { viewer: true },
  fields: (t) => ({
    containerId: t.id({
      nullable: true,
      description: "Docker's id of the container.",
      resolve: (row) => row.containerId,
    }),
    action: t.exposeString('action', { description: 'What was done, such as `created`, `replaced` or `unchanged`.' }),
    message: t.string({ nullable: true, description: 'More in words.', resolve: (row) => row.message }),
    left: t.field({
      type: ContainerLeft,
      nullable: true,
      description: "What stands under the container's name now; null if that is not known.",
      resolve: (row) => row.left,
    }),
  }),
});

const TaskEvent = builder.objectRef<TaskEventRow>('TaskEvent').implement({
  description: 'One move of a task.',
  authScopes: { viewer: true },
  fields: (t) => ({
    at: t.field({ type: 'DateTime', description: 'When.', resolve: (event) => event.at }),
    status: t.field({ type: TaskStatus, description: 'Its status from then on.', resolve: (event) => event.status }),
    phase: t.field({
      type: TaskPhase,
      nullable: true,
      description: 'Its phase from then on.',
      resolve: (event) => event.phase,
    }),
    attempt: t.exposeInt('attempt', { description: 'The attempt.' }),
    message: t.exposeString('message', { nullable: true, description: 'Why.' }),
  }),
});

export const AgentTask = builder.objectRef<TaskRow>('AgentTask').implement({
  description: 'One action on one host.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id.' }),
    kind: t.field({ type: TaskKind, description: 'What it does.', resolve: (task) => task.kind }),
    status: t.field({ type: TaskStatus, description: 'Where it stands.', resolve: (task) => task.status }),
    agent: t.string({
      description: 'The agent that does it.',
      resolve: async (task, _args, { load }) => (await load(agentById, task.agentId)).name,
    }),
    stack: t.string({
      description: 'The stack it is for.',
      resolve: async (task, _args, { load }) => (await load(stackById, task.stackId)).name,
    }),
    deploymentId: t.exposeID('deploymentId', { description: 'The deployment it is part of.' }),
    containerName: t.exposeString('containerName', { nullable: true, description: 'The container it is about.' }),
    image: t.exposeString('image', { nullable: true, description: 'The image it is about.' }),
    attempt: t.exposeInt('attempt', { description: 'How often it was started.' }),
    failures: t.exposeInt('failures', { description: 'How often it failed.' }),
    maxFailures: t.exposeInt('maxFailures', { description: 'After so many failures it is not tried again.' }),
    priority: t.exposeInt('priority', {
      description: 'Of the tasks that wait for the same host the one with the highest goes first.',
    }),
    rollback: t.exposeBoolean('rollback', { description: 'Whether it is part of the way back after a failure.' }),
    timeoutSeconds: t.exposeInt('timeoutSeconds', {
      nullable: true,
      description: 'It fails when it takes longer than so many seconds from its first start; null: no limit.',
    }),
    notBefore: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it is tried again, or when the pause before it ends.',
      resolve: (task) => task.notBefore,
    }),
    phase: t.field({
      type: TaskPhase,
      nullable: true,
      description: 'What it was last doing.',
      resolve: (task) => task.phase,
    }),
    progress: t.field({
      type: TaskProgressType,
      nullable: true,
      description: 'How far it is.',
      resolve: (task) => task.progress,
    }),
    waitingOn: t.field({
      type: [WaitingOnType],
      description: 'Why it has not finished; empty once it has, or while its agent works on it.',
      resolve: (task, _args, context) => waitingOnOf(task, context),
    }),
    error: t.field({
      type: TaskErrorType,
      nullable: true,
      description: 'Why it failed, or why its last attempt did.',
      resolve: (task) => task.error,
    }),
    result: t.field({
      type: TaskResultType,
      nullable: true,
      description: 'What it did.',
      resolve: (task) => task.result,
    }),
    cancelRequestedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When somebody wanted it cancelled.',
      resolve: (task) => task.cancelRequestedAt,
    }),
    spec: t.field({
      type: 'JSON',
      authScopes: { operator: true },
      description:
        'What the agent gets to do it, by kind; `version` says which shape. Not for viewers: environments hold what should not be seen. Secrets are sealed.',
      resolve: (task) => task.spec,
    }),
    events: t.field({
      type: [TaskEvent],
      description: 'Its history, oldest first.',
      resolve: (task, _args, { load }) => load(taskEvents, task.id),
    }),
    createdAt: t.field({ type: 'DateTime', description: 'When it was made.', resolve: (task) => task.createdAt }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was first started.',
      resolve: (task) => task.startedAt,
    }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it reached its final status.',
      resolve: (task) => task.finishedAt,
    }),
  }),
});

export async function waitingOnOf(task: TaskRow, { load }: Pick<Context, 'load'>): Promise<WaitingOn[]> {
  if (task.finishedAt) return [];
  const [agent, openBlockers, pulls] = await Promise.all([
    load(agentById, task.agentId),
    task.openBlockers > 0 ? load(openBlockersOf, task.id) : [],
    task.behindImageGate ? load(missingImagesOf, task.deploymentId) : [],
  ]);
  const { name, online, sessionExpiresAt } = agent;
  const named = new Set(openBlockers.map(({ id }) => id));
  const missingImages = pulls.filter(
    (one) => (one.holdsImageGate || one.agentId === task.agentId) && !named.has(one.id),
  );
  return waitingOn({ ...task, agent: { name, online, offlineSince: sessionExpiresAt }, openBlockers, missingImages });
}

const TaskFilterInput = builder.inputType('TaskFilter', {
  description: 'Which tasks; what is not given does not restrict.',
  fields: (t) => ({
    agent: t.string({ description: "The agent's name." }),
    stack: t.string({ description: "The stack's name." }),
    deploymentId: t.id({ description: 'The deployment.' }),
    status: t.field({ type: [TaskStatus], description: 'One of these.' }),
    kind: t.field({ type: [TaskKind], description: 'One of these.' }),
  }),
});

type Filter = typeof TaskFilterInput.$inferInput;

/** @returns undefined when the filter can match nothing */
async function toFilter(filter: Filter | null | undefined, { db }: Context): Promise<TaskFilter | undefined> {
  const agent = filter?.agent == null ? undefined : await findAgent(db, filter.agent);
  if (filter?.agent != null && !agent) return undefined;
  return {
    agentId: agent?.id,
    stack: filter?.stack ?? undefined,
    deploymentId: filter?.deploymentId == null ? undefined : checkId('deployment', filter.deploymentId),
    status: filter?.status ?? undefined,
    kind: filter?.kind ?? undefined,
  };
}

type Connection = { nodes: TaskRow[]; pageInfo: { endCursor: string | null; hasNextPage: boolean } };

const TaskConnection = builder.objectRef<Connection>('TaskConnection').implement({
  description: 'A page of tasks.',
  authScopes: { viewer: true },
  fields: (t) => ({
    nodes: t.field({ type: [AgentTask], description: 'The tasks, newest first.', resolve: (page) => page.nodes }),
    pageInfo: t.field({ type: PageInfo, description: 'Where the page ends.', resolve: (page) => page.pageInfo }),
  }),
});

async function readTasks(filter: Filter | null | undefined, limit: number, context: Context, after?: string) {
  const known = await toFilter(filter, context);
  return known ? listTasks(context.db, known, limit, after) : [];
}

builder.queryFields((t) => ({
  task: t.field({
    type: AgentTask,
    nullable: true,
    authScopes: { viewer: true },
    description: 'One task; null if there is none of that id.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: async (_root, { id }, { db }) => (await findTask(db, checkId('task', id))) ?? null,
  }),
  tasks: t.field({
    type: TaskConnection,
    authScopes: { viewer: true },
    description: 'Tasks, newest first.',
    args: {
      filter: t.arg({ type: TaskFilterInput, description: 'Which ones.' }),
      first: t.arg.int({ required: true, defaultValue: 50, description: 'At most so many, 1 to 500.' }),
      after: t.arg.string({ description: 'The `endCursor` of the page before.' }),
    },
    resolve: async (_root, { filter, first, after }, context) => {
      const cursor = after == null ? undefined : checkId('cursor', after);
      return toPage(await readTasks(filter, checkPage(first) + 1, context, cursor), first);
    },
  }),
}));

builder.subscriptionFields((t) => ({
  tasks: t.field({
    type: [AgentTask],
    authScopes: { viewer: true },
    description: 'The newest tasks that match, now and whenever a task changes.',
    args: {
      filter: t.arg({ type: TaskFilterInput, description: 'Which ones.' }),
      first: t.arg.int({ required: true, defaultValue: 50, description: 'At most so many, 1 to 500.' }),
    },
    subscribe: (_root, { filter, first }, context) =>
      context.live([topic.tasks], () => readTasks(filter, checkPage(first), context), { minIntervalMs: 100 }),
    resolve: (tasks: TaskRow[]) => tasks,
  }),
}));
