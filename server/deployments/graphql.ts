import { notFound } from '../base/errors.ts';
import { topic } from '../db/notify.ts';
import type { Warning } from '../db/values.ts';
import { builder, checkId, checkPage, describedEnum, isId } from '../schema/builder.ts';
import { PageInfo, pageArgs, pageOf, toPage } from '../schema/common.ts';
import type { Context } from '../schema/context.ts';
import { stackById } from '../stacks/loaders.ts';
import { AgentTask } from '../tasks/graphql.ts';
import { tasksOfDeployment } from '../tasks/loaders.ts';
import { TaskErrorType } from '../tasks/outcome.graphql.ts';
import type { TaskRow } from '../tasks/store.ts';
import { type DeploymentFilter, type DeploymentRow, findDeployment, getDeployment, listDeployments } from './store.ts';

export const DeploymentKind = describedEnum('DeploymentKind', 'What a deployment does with its stack.', {
  DEPLOY: 'Brings the stack to its current revision.',
  STOP: 'Stops all containers of the stack.',
  START: 'Starts all containers of the stack.',
  RESTART: 'Restarts the containers of the stack or of some of its services.',
  DELETE: 'Removes everything that the stack has on any host.',
  ROLLBACK: 'Brings the stack back to an earlier revision.',
  REPAIR: 'Brings the stack back to its current revision wherever it has drifted.',
  REMOVE_ORPHANS: 'Removes containers that carry the labels of the stack and that nothing wants.',
});

const DeploymentStatus = describedEnum('DeploymentStatus', 'The status of a deployment. All but RUNNING are final.', {
  RUNNING: 'The deployment has tasks that are not finished, or its rollback is about to begin.',
  SUCCEEDED: 'All tasks completed.',
  FAILED: 'A task failed; `cause` says which one and why.',
  CANCELLED: 'The deployment was ended before it was done.',
  SUPERSEDED: 'A newer deployment of the stack took its place.',
  ROLLED_BACK: 'The deployment failed, and the stack was returned to its last good revision; `cause` says what failed.',
});

export const OnFailure = describedEnum('OnFailure', 'What happens to a stack when a deployment fails.', {
  ROLLBACK: 'The whole stack returns to its last good revision. Without one, this is the same as KEEP.',
  KEEP: 'What has been done is kept. Each container that failed is put back as it was before.',
});

export const StackWarning = builder.objectRef<Warning>('StackWarning').implement({
  description: 'Something about a stack file or a plan that is allowed but deserves attention.',
  authScopes: { viewer: true },
  fields: (t) => ({
    code: t.exposeString('code', { description: 'A stable code for the kind of warning, such as `AGENT_OFFLINE`.' }),
    message: t.exposeString('message', { description: 'The warning in words.' }),
    path: t.exposeString('path', {
      description:
        'The path in the stack file, such as `services.web.ports[0]`; empty if the warning is not about the file.',
    }),
    line: t.exposeInt('line', { description: 'The line in the stack file, starting from 1.' }),
    column: t.exposeInt('column', { description: 'The column in the stack file, starting from 1.' }),
  }),
});

const TaskCounts = builder.objectRef<TaskRow[]>('TaskCounts').implement({
  description: "The number of a deployment's tasks, by status.",
  authScopes: { viewer: true },
  fields: (t) => ({
    total: t.int({ description: 'The number of all tasks.', resolve: (tasks) => tasks.length }),
    pending: t.int({ description: 'The number of tasks that are PENDING.', resolve: countOf('PENDING') }),
    running: t.int({ description: 'The number of tasks that are RUNNING.', resolve: countOf('RUNNING') }),
    completed: t.int({ description: 'The number of tasks that are COMPLETED.', resolve: countOf('COMPLETED') }),
    failed: t.int({ description: 'The number of tasks that are FAILED.', resolve: countOf('FAILED') }),
    cancelled: t.int({ description: 'The number of tasks that are CANCELLED.', resolve: countOf('CANCELLED') }),
  }),
});

function countOf(status: TaskRow['status']) {
  return (tasks: TaskRow[]) => tasks.filter((task) => task.status === status).length;
}

const tasksOf = (deployment: DeploymentRow, _args: object, { load }: Context) => load(tasksOfDeployment, deployment.id);

export const Deployment = builder.objectRef<DeploymentRow>('Deployment').implement({
  description: 'One operation on a stack, carried out as a graph of tasks that together succeed or fail.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: "The deployment's ID, a UUID." }),
    stack: t.string({
      description: "The stack's name.",
      resolve: async (deployment, _args, { load }) => (await load(stackById, deployment.stackId)).name,
    }),
    kind: t.field({ type: DeploymentKind, description: 'What the deployment does.', resolve: (row) => row.kind }),
    revision: t.exposeInt('revision', {
      description: "The number of the stack's revision that the deployment works towards.",
    }),
    status: t.field({ type: DeploymentStatus, description: "The deployment's status.", resolve: (row) => row.status }),
    tasks: t.field({
      type: [AgentTask],
      description: "The deployment's tasks, in the order in which they were planned.",
      args: pageArgs,
      resolve: async (deployment, page, context) =>
        pageOf(await tasksOf(deployment, page, context), page, ({ id }) => id),
    }),
    taskCounts: t.field({
      type: TaskCounts,
      description: "The number of the deployment's tasks, by status.",
      resolve: tasksOf,
    }),
    cause: t.field({
      type: TaskErrorType,
      nullable: true,
      description: 'Why the deployment did not succeed; null unless something failed or was cancelled.',
      resolve: (row) => row.cause,
    }),
    onFailure: t.field({
      type: OnFailure,
      description: 'What happens to the stack if the deployment fails.',
      resolve: (row) => row.onFailure,
    }),
    rollbackRevision: t.exposeInt('rollbackRevision', {
      nullable: true,
      description:
        'The number of the revision that a rollback after a failure made, a copy of the last good one; null if there was no rollback.',
    }),
    priority: t.exposeInt('priority', { description: "The priority of the deployment's tasks, from -100 to 100." }),
    deadline: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the deployment fails unless it has finished; null if it has no time limit or has exceeded it. Its rollback is given as long again.',
      resolve: (row) => row.deadline,
    }),
    services: t.stringList({
      nullable: true,
      description: 'For RESTART, the names of the services to restart; null for all of them.',
      resolve: (row) => row.services,
    }),
    warnings: t.field({
      type: [StackWarning],
      description: 'Warnings about the stack file.',
      resolve: (row) => row.warnings,
    }),
    removeVolumes: t.exposeBoolean('removeVolumes', {
      description: "For DELETE, whether the stack's named volumes are removed as well.",
    }),
    createdBy: t.exposeString('createdBy', {
      description: 'The name of the token that requested the deployment; `graphium` if the server did.',
    }),
    idempotencyKey: t.exposeString('idempotencyKey', {
      nullable: true,
      description: 'The idempotency key that the deployment was requested with, if any.',
    }),
    retryOf: t.exposeID('retryOf', {
      nullable: true,
      description: 'The ID of the deployment that this one repeats; null unless `retryDeployment` made it.',
    }),
    supersededBy: t.exposeID('supersededBy', {
      nullable: true,
      description: "The ID of the newer deployment that took this one's place, if any.",
    }),
    cancelRequestedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: "When the deployment's cancellation was requested; null if it was not.",
      resolve: (row) => row.cancelRequestedAt,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When the deployment was requested.',
      resolve: (row) => row.createdAt,
    }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the deployment reached its final status; null while it is running.',
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
      description: 'The deployments of this page, newest first.',
      resolve: (page) => page.nodes,
    }),
    pageInfo: t.field({ type: PageInfo, description: 'Where this page ends.', resolve: (page) => page.pageInfo }),
  }),
});

export async function readDeployments(
  { db }: Context,
  filter: DeploymentFilter,
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
    description: 'The deployment with the given ID; null if there is none.',
    args: { id: t.arg.id({ required: true, description: "The deployment's ID." }) },
    resolve: async (_root, { id }, { db }) => (isId(id) ? await findDeployment(db, id) : undefined) ?? null,
  }),
  deployments: t.field({
    type: DeploymentConnection,
    authScopes: { viewer: true },
    description: 'Deployments, newest first.',
    args: {
      stack: t.arg.string({ description: 'The name of a stack. If omitted, deployments of all stacks are returned.' }),
      status: t.arg({ type: DeploymentStatus, description: 'Only deployments with this status.' }),
      kind: t.arg({ type: DeploymentKind, description: 'Only deployments of this kind.' }),
      createdBy: t.arg.string({ description: 'Only deployments that were requested with a token of this name.' }),
      since: t.arg({ type: 'DateTime', description: 'Only deployments that were requested at this time or later.' }),
      first: t.arg.int({
        required: true,
        defaultValue: 20,
        description: 'The maximum number of deployments to return, from 1 to 500.',
      }),
      after: t.arg.string({
        description: 'The `endCursor` of the previous page. If omitted, the first page is returned.',
      }),
    },
    resolve: (_root, { stack, status, kind, createdBy, since, ...page }, context) =>
      readDeployments(
        context,
        {
          stackName: stack ?? undefined,
          status: status ?? undefined,
          kind: kind ?? undefined,
          createdBy: createdBy ?? undefined,
          since: since ?? undefined,
        },
        page,
      ),
  }),
}));

builder.subscriptionFields((t) => ({
  deployment: t.field({
    type: Deployment,
    authScopes: { viewer: true },
    description:
      'A deployment, sent at once and again whenever it or one of its tasks changes. Completes when the deployment has reached its final status. NOT_FOUND if there is none.',
    args: { id: t.arg.id({ required: true, description: "The deployment's ID." }) },
    subscribe: async (_root, { id }, { db, live }) => {
      if (!(await findDeployment(db, checkId('deployment', id)))) throw notFound('deployment', id);
      const isLast = (deployment: DeploymentRow) => deployment.finishedAt !== null;
      return live([topic.deployment(id), topic.agents], () => getDeployment(db, id), { isLast, minIntervalMs: 100 });
    },
    resolve: (deployment: DeploymentRow) => deployment,
  }),
}));
