import { GraphiumError, notFound } from '../base/errors.ts';
import { topic } from '../db/notify.ts';
import type { Warning } from '../db/values.ts';
import { builder, checkId, checkPage, describedEnum } from '../schema/builder.ts';
import { PageInfo, toPage } from '../schema/common.ts';
import type { Context } from '../schema/context.ts';
import { stackById } from '../stacks/loaders.ts';
import { AgentTask, TaskErrorType } from '../tasks/graphql.ts';
import { tasksOfDeployment } from '../tasks/loaders.ts';
import type { TaskRow } from '../tasks/store.ts';
import { cancelDeployment } from './cancel.ts';
import { retryDeployment } from './operate.ts';
import { type DeploymentRow, findDeployment, getDeployment, listDeployments } from './store.ts';

export const DeploymentKind = describedEnum('DeploymentKind', 'What a deployment does with its stack.', {
  DEPLOY: 'Makes it what its current revision says.',
  STOP: 'Stops its containers.',
  START: 'Starts them.',
  RESTART: 'Restarts them.',
  DELETE: 'Removes everything it has on any host.',
  ROLLBACK: 'Makes it what an earlier revision said.',
  REPAIR: 'Makes it again what its current revision says, where it is not.',
  REMOVE_ORPHANS: 'Removes containers with its labels that nothing wants.',
});

const DeploymentStatus = describedEnum('DeploymentStatus', 'Where a deployment stands; all but RUNNING are final.', {
  RUNNING: 'Some of its tasks have not finished.',
  SUCCEEDED: 'All its tasks completed.',
  FAILED: 'A task failed; `cause` says which and why.',
  CANCELLED: 'It was ended before it was done.',
  SUPERSEDED: 'A newer deployment of the stack took its place.',
  ROLLED_BACK: 'It failed, and the stack is again as its last good revision; `cause` says what failed.',
});

export const OnFailure = describedEnum('OnFailure', 'What becomes of a stack whose deployment fails.', {
  ROLLBACK: 'As a whole it returns to its last good revision, if it has one.',
  KEEP: 'What was done stays; each container that failed is as it was before.',
});

export const StackWarning = builder.objectRef<Warning>('StackWarning').implement({
  description: 'Something that is accepted and is worth a look.',
  authScopes: { viewer: true },
  fields: (t) => ({
    code: t.exposeString('code', { description: 'A stable code.' }),
    message: t.exposeString('message', { description: 'What it is, in words.' }),
    path: t.exposeString('path', { description: 'Where in the stack file; empty if it is not about the file.' }),
    line: t.exposeInt('line', { description: 'Its line, from 1.' }),
    column: t.exposeInt('column', { description: 'Its column, from 1.' }),
  }),
});

const TaskCounts = builder.objectRef<TaskRow[]>('TaskCounts').implement({
  description: 'How many tasks there are, by status.',
  authScopes: { viewer: true },
  fields: (t) => ({
    total: t.int({ description: 'All of them.', resolve: (tasks) => tasks.length }),
    pending: t.int({ description: 'PENDING.', resolve: countOf('PENDING') }),
    running: t.int({ description: 'RUNNING.', resolve: countOf('RUNNING') }),
    completed: t.int({ description: 'COMPLETED.', resolve: countOf('COMPLETED') }),
    failed: t.int({ description: 'FAILED.', resolve: countOf('FAILED') }),
    cancelled: t.int({ description: 'CANCELLED.', resolve: countOf('CANCELLED') }),
  }),
});

function countOf(status: TaskRow['status']) {
  return (tasks: TaskRow[]) => tasks.filter((task) => task.status === status).length;
}

const tasksOf = (deployment: DeploymentRow, _args: object, { load }: Context) => load(tasksOfDeployment, deployment.id);

export const Deployment = builder.objectRef<DeploymentRow>('Deployment').implement({
  description: 'One operation on a stack: a graph of tasks with one verdict.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id.' }),
    stack: t.string({
      description: 'The name of the stack.',
      resolve: async (deployment, _args, { load }) => (await load(stackById, deployment.stackId)).name,
    }),
    kind: t.field({ type: DeploymentKind, description: 'What it does.', resolve: (row) => row.kind }),
    revision: t.exposeInt('revision', { description: 'The revision of the stack it works towards.' }),
    status: t.field({ type: DeploymentStatus, description: 'Its verdict, or RUNNING.', resolve: (row) => row.status }),
    tasks: t.field({ type: [AgentTask], description: 'Its tasks, in the order of the plan.', resolve: tasksOf }),
    taskCounts: t.field({ type: TaskCounts, description: 'Its tasks in numbers.', resolve: tasksOf }),
    cause: t.field({
      type: TaskErrorType,
      nullable: true,
      description: 'Why it did not succeed.',
      resolve: (row) => row.cause,
    }),
    onFailure: t.field({ type: OnFailure, description: 'What a failure leads to.', resolve: (row) => row.onFailure }),
    rollbackRevision: t.exposeInt('rollbackRevision', {
      nullable: true,
      description: 'The revision that the way back after a failure makes: a copy of the last good one.',
    }),
    priority: t.exposeInt('priority', { description: 'Its priority, 0 unless it was asked for with another.' }),
    deadline: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'If it is not done by then, it fails; null also once it is on its way back.',
      resolve: (row) => row.deadline,
    }),
    services: t.stringList({
      nullable: true,
      description: 'For RESTART: the services it is about; null means all.',
      resolve: (row) => row.services,
    }),
    warnings: t.field({
      type: [StackWarning],
      description: 'What in the stack file was accepted and is worth a look.',
      resolve: (row) => row.warnings,
    }),
    removeVolumes: t.exposeBoolean('removeVolumes', { description: 'For DELETE: whether named volumes go too.' }),
    createdBy: t.exposeString('createdBy', {
      description: 'The name of the token it was asked for with; `graphium` when it acted by itself.',
    }),
    idempotencyKey: t.exposeString('idempotencyKey', { nullable: true, description: 'The key it was asked for with.' }),
    retryOf: t.exposeID('retryOf', { nullable: true, description: 'The deployment that this one does again.' }),
    supersededBy: t.exposeID('supersededBy', { nullable: true, description: 'The deployment that took its place.' }),
    cancelRequestedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When somebody wanted it cancelled.',
      resolve: (row) => row.cancelRequestedAt,
    }),
    createdAt: t.field({ type: 'DateTime', description: 'When it was asked for.', resolve: (row) => row.createdAt }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it got its verdict.',
      resolve: (row) => row.finishedAt,
    }),
  }),
});

type Connection = { nodes: DeploymentRow[]; pageInfo: { endCursor: string | null; hasNextPage: boolean } };

export const DeploymentConnection = builder.objectRef<Connection>('DeploymentConnection').implement({
  description: 'A page of deployments.',
  authScopes: { viewer: true },
  fields: (t) => ({
    nodes: t.field({
      type: [Deployment],
      description: 'The deployments, newest first.',
      resolve: (page) => page.nodes,
    }),
    pageInfo: t.field({ type: PageInfo, description: 'Where the page ends.', resolve: (page) => page.pageInfo }),
  }),
});

export async function readDeployments(
  { db }: Context,
  filter: { stackId?: string; stackName?: string },
  { first, after }: { first: number; after?: string | null | undefined },
): Promise<Connection> {
  const cursor = after == null ? undefined : checkId('cursor', after);
  return toPage(await listDeployments(db, filter, checkPage(first) + 1, cursor), first);
}

builder.queryFields((t) => ({
  deployment: t.field({
    type: Deployment,
    nullable: true,
    authScopes: { viewer: true },
    description: 'One deployment; null if there is none of that id.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: async (_root, { id }, { db }) => (await findDeployment(db, checkId('deployment', id))) ?? null,
  }),
  deployments: t.field({
    type: DeploymentConnection,
    authScopes: { viewer: true },
    description: 'Deployments, newest first.',
    args: {
      stack: t.arg.string({ description: 'Only of the stack of this name.' }),
      first: t.arg.int({ required: true, defaultValue: 20, description: 'At most so many, 1 to 500.' }),
      after: t.arg.string({ description: 'The `endCursor` of the page before.' }),
    },
    resolve: (_root, { stack, ...page }, context) =>
      readDeployments(context, stack == null ? {} : { stackName: stack }, page),
  }),
}));

builder.subscriptionFields((t) => ({
  deployment: t.field({
    type: Deployment,
    authScopes: { viewer: true },
    description: 'One deployment, now and whenever it or one of its tasks changes. Completes when it has its verdict.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    subscribe: async (_root, { id }, { db, live }) => {
      if (!(await findDeployment(db, checkId('deployment', id)))) throw notFound('deployment', id);
      const isLast = (deployment: DeploymentRow) => deployment.finishedAt !== null;
      return live([topic.deployment(id), topic.agents], () => getDeployment(db, id), { isLast, minIntervalMs: 100 });
    },
    resolve: (deployment: DeploymentRow) => deployment,
  }),
}));

builder.mutationFields((t) => ({
  cancelDeployment: t.field({
    type: Deployment,
    authScopes: { operator: true },
    description: 'Ends a deployment: waiting tasks at once, running ones at a safe point. What was done stays done.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (_root, { id }, { db, actor }) => cancelDeployment(db, actor, checkId('deployment', id)),
  }),
  retryDeployment: t.field({
    type: Deployment,
    authScopes: { operator: true },
    description:
      'Does a FAILED or CANCELLED deployment again, as a new one. Only the newest of a stack can be retried.',
    args: {
      id: t.arg.id({ required: true, description: 'The deployment to do again.' }),
      idempotencyKey: t.arg.string({
        description: 'The same key gives the same deployment, however often it is sent.',
      }),
    },
    resolve: (_root, { id, idempotencyKey }, { db, actor }) =>
      retryDeployment(db, actor, checkId('deployment', id), checkKey(idempotencyKey)),
  }),
}));

/** @throws GraphiumError BAD_INPUT */
export function checkKey(key: string | null | undefined): string | null {
  if (key == null) return null;
  if (key.length === 0 || key.length > 200) {
    throw new GraphiumError('BAD_INPUT', `idempotencyKey: expected 1 to 200 characters, got ${key.length}.`);
  }
  return key;
}
