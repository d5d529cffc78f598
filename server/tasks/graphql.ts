import { agentById } from '../agents/loaders.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import { stackById } from '../stacks/loaders.ts';
import { taskEvents } from './loaders.ts';
import { TaskErrorType, TaskResultType } from './outcome.graphql.ts';
import { TaskPhase, TaskProgressType } from './progress.graphql.ts';
import type { TaskEventRow } from './queries.ts';
import { specOf, type TaskRow, withoutVariables } from './store.ts';
import { WaitingOnType, waitingOnOf } from './waiting.graphql.ts';

export const TaskKind = describedEnum('TaskKind', 'What a task does on its host.', {
  PULL: 'Pulls an image.',
  DEPLOY: 'Brings a container to its spec: creates, starts or replaces it, or leaves it as it is.',
  STOP: 'Stops a container.',
  START: 'Starts a container, or creates it again if it no longer exists.',
  RESTART: 'Stops a container and starts it again.',
  DELETE: 'Stops and removes a container.',
  CLEAN: 'Removes what is left of a deleted stack: containers, networks and, if requested, volumes.',
});

export const TaskStatus = describedEnum(
  'TaskStatus',
  'The status of a task. COMPLETED, FAILED and CANCELLED are final.',
  {
    PENDING: 'The task waits; `waitingOn` says for what.',
    RUNNING: "The task's agent is working on it.",
    COMPLETED: 'The task was done.',
    FAILED: 'The task could not be done; `error` says why.',
    CANCELLED: 'The task was ended before it was done.',
  },
);

const TaskEvent = builder.objectRef<TaskEventRow>('TaskEvent').implement({
  description: 'A change in the course of a task.',
  authScopes: { viewer: true },
  fields: (t) => ({
    at: t.field({ type: 'DateTime', description: 'When the change happened.', resolve: (event) => event.at }),
    status: t.field({
      type: TaskStatus,
      description: "The task's status after the change.",
      resolve: (event) => event.status,
    }),
    phase: t.field({
      type: TaskPhase,
      nullable: true,
      description: "The task's phase after the change, if it was running.",
      resolve: (event) => event.phase,
    }),
    attempt: t.exposeInt('attempt', { description: 'The number of the attempt that the change belongs to.' }),
    message: t.exposeString('message', { nullable: true, description: 'Why the change happened, in words.' }),
  }),
});

export const AgentTask = builder.objectRef<TaskRow>('AgentTask').implement({
  description: 'One action on one host.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: "The task's ID, a UUID." }),
    kind: t.field({ type: TaskKind, description: 'What the task does.', resolve: (task) => task.kind }),
    status: t.field({ type: TaskStatus, description: "The task's status.", resolve: (task) => task.status }),
    agent: t.string({
      description: 'The name of the agent that carries out the task.',
      resolve: async (task, _args, { load }) => (await load(agentById, task.agentId)).name,
    }),
    stack: t.string({
      description: 'The name of the stack that the task is for.',
      resolve: async (task, _args, { load }) => (await load(stackById, task.stackId)).name,
    }),
    deploymentId: t.exposeID('deploymentId', { description: 'The ID of the deployment that the task is part of.' }),
    containerName: t.exposeString('containerName', {
      nullable: true,
      description: 'The name of the container that the task is about; null for PULL and CLEAN.',
    }),
    image: t.exposeString('image', {
      nullable: true,
      description: 'The image that the task pulls or makes a container from; null if there is none.',
    }),
    attempt: t.exposeInt('attempt', { description: 'The number of times that the task was started.' }),
    failures: t.exposeInt('failures', { description: 'The number of times that the task failed.' }),
    maxFailures: t.exposeInt('maxFailures', {
      description: 'The number of failures after which the task is not retried.',
    }),
    priority: t.exposeInt('priority', {
      description: "The task's priority. On each host, tasks with a higher one start first.",
    }),
    rollback: t.exposeBoolean('rollback', { description: 'Whether the task is part of the rollback after a failure.' }),
    timeoutSeconds: t.exposeInt('timeoutSeconds', {
      nullable: true,
      description: "The task's time limit in seconds, counted from its first start; null if there is none.",
    }),
    notBefore: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the task may start at the earliest, because it is retried then or a pause ends; null if it need not wait.',
      resolve: (task) => task.notBefore,
    }),
    phase: t.field({
      type: TaskPhase,
      nullable: true,
      description: 'What the agent is doing, or was last doing; null if the task was never started.',
      resolve: (task) => task.phase,
    }),
    progress: t.field({
      type: TaskProgressType,
      nullable: true,
      description: 'How far the task has come; null if nothing was reported.',
      resolve: (task) => task.progress,
    }),
    waitingOn: t.field({
      type: [WaitingOnType],
      description: 'Why the task has not finished; empty if it has, or if its agent is working on it.',
      resolve: (task, _args, context) => waitingOnOf(task, context),
    }),
    error: t.field({
      type: TaskErrorType,
      nullable: true,
      description: 'Why the task failed, or why its last attempt did; null if none failed.',
      resolve: (task) => task.error,
    }),
    result: t.field({
      type: TaskResultType,
      nullable: true,
      description: 'What the task did; null unless it has finished.',
      resolve: (task) => task.result,
    }),
    cancelRequestedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: "When the task's cancellation was requested; null if it was not.",
      resolve: (task) => task.cancelRequestedAt,
    }),
    spec: t.field({
      type: 'JSON',
      authScopes: { operator: true },
      description:
        'What the agent is told to do; the shape depends on `kind` and on `version` in it. Viewers may not read it, because environment variables may be confidential. Secrets are encrypted.',
      resolve: (task, _args, { db }) => withoutVariables(specOf(db, task)),
    }),
    events: t.field({
      type: [TaskEvent],
      description: "The task's history, oldest first.",
      resolve: (task, _args, { load }) => load(taskEvents, task.id),
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When the task was created.',
      resolve: (task) => task.createdAt,
    }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the task was first started; null if it never was.',
      resolve: (task) => task.startedAt,
    }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the task reached its final status; null until then.',
      resolve: (task) => task.finishedAt,
    }),
  }),
});
