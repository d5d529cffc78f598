import { findAgent } from '../agents/store.ts';
import { topic } from '../db/notify.ts';
import { builder, checkId, checkPage, isId } from '../schema/builder.ts';
import { PageInfo, toPage } from '../schema/common.ts';
import type { Context } from '../schema/context.ts';
import { AgentTask, TaskKind, TaskStatus } from './graphql.ts';
import { findTask, listTasks, type TaskFilter } from './queries.ts';
import type { TaskRow } from './store.ts';

const TaskFilterInput = builder.inputType('TaskFilter', {
  description: 'Conditions on tasks. A task must meet all that are given.',
  fields: (t) => ({
    agent: t.string({ description: 'The name of the agent that carries out the task.' }),
    stack: t.string({ description: 'The name of the stack that the task is for.' }),
    deploymentId: t.id({ description: 'The ID of the deployment that the task is part of.' }),
    status: t.field({ type: [TaskStatus], description: 'The statuses that the task may have.' }),
    kind: t.field({ type: [TaskKind], description: 'The kinds that the task may have.' }),
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
    nodes: t.field({
      type: [AgentTask],
      description: 'The tasks of this page, newest first.',
      resolve: (page) => page.nodes,
    }),
    pageInfo: t.field({ type: PageInfo, description: 'Where this page ends.', resolve: (page) => page.pageInfo }),
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
    description: 'The task with the given ID; null if there is none.',
    args: { id: t.arg.id({ required: true, description: "The task's ID." }) },
    resolve: async (_root, { id }, { db }) => (isId(id) ? await findTask(db, id) : undefined) ?? null,
  }),
  tasks: t.field({
    type: TaskConnection,
    authScopes: { viewer: true },
    description: 'Tasks, newest first.',
    args: {
      filter: t.arg({ type: TaskFilterInput, description: 'Which tasks to return. If omitted, all of them.' }),
      first: t.arg.int({
        required: true,
        defaultValue: 50,
        description: 'The maximum number of tasks to return, from 1 to 500.',
      }),
      after: t.arg.string({
        description: 'The `endCursor` of the previous page. If omitted, the first page is returned.',
      }),
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
    description: 'The newest tasks that match, sent at once and again whenever a task changes.',
    args: {
      filter: t.arg({ type: TaskFilterInput, description: 'Which tasks to return. If omitted, all of them.' }),
      first: t.arg.int({
        required: true,
        defaultValue: 50,
        description: 'The maximum number of tasks to return, from 1 to 500.',
      }),
    },
    subscribe: (_root, { filter, first }, context) =>
      context.live([topic.tasks], () => readTasks(filter, checkPage(first), context), { minIntervalMs: 100 }),
    resolve: (tasks: TaskRow[]) => tasks,
  }),
}));
