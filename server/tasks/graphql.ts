import { agentById } from '../agents/loaders.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import { stackById } from '../stacks/loaders.ts';
import { taskEvents } from './loaders.ts';
import { TaskErrorType, TaskResultType } from './outcome.graphql.ts';
import { TaskPhase, TaskProgressType } from './progress.graphql.ts';
import type { TaskEventRow } from './queries.ts';
import type { TaskRow } from './store.ts';
import { WaitingOnType, waitingOnOf } from './waiting.graphql.ts';

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
