import { Container, Port } from '../agents/containers.graphql.ts';
import { topic } from '../db/notify.ts';
import { Deployment, DeploymentConnection, readDeployments } from '../deployments/graphql.ts';
import { placedOf } from '../deployments/plan-input.ts';
import type { Context } from '../http/context.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import type { ContainerSpec, ServiceSpec } from '../spec/spec.ts';
import { WaitingOnType, waitingOnOf } from '../tasks/graphql.ts';
import { stateOf } from './state.ts';
import { findStack, listStacks, type StackRow } from './store.ts';

export const StackFormat = describedEnum('StackFormat', 'In which format a stack file is written.', {
  COMPOSE: 'The Compose Specification.',
  JSONLD: 'Graphium JSON-LD.',
});

const DesiredState = describedEnum('DesiredState', 'What the user wants of a stack.', {
  RUNNING: 'Its containers run.',
  STOPPED: 'Its containers exist and do not run.',
  DELETED: 'Nothing of it is left.',
});

const StackStateType = describedEnum('StackState', 'What a stack is doing.', {
  DEPLOYING: 'A deployment of it is at work.',
  STARTING: 'It is being started.',
  STOPPING: 'It is being stopped.',
  RESTARTING: 'It is being restarted.',
  DELETING: 'It is being deleted; hosts that are offline confirm when they return.',
  DELETED: 'Every host confirmed that nothing is left.',
  RUNNING: 'All its containers run and none is unhealthy.',
  STOPPED: 'None of its containers runs, as wanted.',
  ROLLING_BACK: 'It is being made again what an earlier revision said.',
  REPAIRING: 'It is being made again what its current revision says.',
  DEGRADED: 'It is not what is wanted of it, and nothing is at work on it.',
});

export type WantedRow = { agent: string; agentId: string; service: ServiceSpec; container: ContainerSpec };

const WantedContainer = builder.objectRef<WantedRow>('WantedContainer').implement({
  description: 'A container that the current revision of a stack wants.',
  authScopes: { viewer: true },
  fields: (t) => ({
    name: t.string({ description: 'Its name on the host.', resolve: ({ container }) => container.name }),
    service: t.string({ description: 'Its service.', resolve: ({ service }) => service.name }),
    replica: t.int({
      description: 'Its number within the service, from 1.',
      resolve: ({ container }) => container.replica,
    }),
    agent: t.exposeString('agent', { description: 'Where it belongs.' }),
    image: t.string({ description: 'Its image.', resolve: ({ container }) => container.image }),
    ports: t.field({
      type: [Port],
      description: 'The ports it is to publish.',
      resolve: ({ container }) =>
        container.ports.map((port) => ({
          ...port,
          protocol: port.protocol.toUpperCase() as 'TCP' | 'UDP' | 'SCTP',
        })),
    }),
  }),
});

export async function wantedOf(stack: StackRow, { load }: Context): Promise<WantedRow[]> {
  const [{ spec }, placements] = await Promise.all([load.revision.load(stack.id), load.placements.load(stack.id)]);
  const names = new Map(placements.map(({ agentId, agent }) => [agentId, agent]));
  return placedOf(spec, placements).map((placed) => ({ ...placed, agent: names.get(placed.agentId) ?? '' }));
}

/** A deleted stack has none, although another one may have taken its name. */
export const observedOf = async (stack: StackRow, { load }: Context) =>
  stack.deletedAt ? [] : load.containersOfStack.load(stack.name);

export const Stack = builder.objectRef<StackRow>('Stack').implement({
  description: 'A named set of containers on one or many hosts.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id; a stack that is deleted and made again gets another.' }),
    name: t.exposeString('name', { description: 'Its name.' }),
    state: t.field({
      type: StackStateType,
      description: 'What it is doing.',
      resolve: async (stack, _args, context) => {
        const latest = context.load.latestDeployment.load(stack.id);
        return stateOf(stack, await latest, await wantedOf(stack, context), await observedOf(stack, context));
      },
    }),
    desired: t.field({
      type: DesiredState,
      description: 'What the user wants of it.',
      resolve: (stack) => stack.desired,
    }),
    revision: t.exposeInt('revision', { description: 'The number of its current revision, from 1.' }),
    goodRevision: t.exposeInt('goodRevision', {
      nullable: true,
      description: 'The newest revision that came up as a whole: what a failed deployment goes back to.',
    }),
    autoRepair: t.exposeBoolean('autoRepair', {
      description: 'Whether drift is repaired without anybody asking; see `setAutoRepair`.',
    }),
    source: t.string({
      description: 'The file of its current revision, as it was sent.',
      resolve: async (stack, _args, { load }) => (await load.revision.load(stack.id)).source,
    }),
    format: t.field({
      type: StackFormat,
      description: 'The format of that file.',
      resolve: async (stack, _args, { load }) => (await load.revision.load(stack.id)).format,
    }),
    wanted: t.field({
      type: [WantedContainer],
      description: 'The containers it should have.',
      resolve: (stack, _args, context) => wantedOf(stack, context),
    }),
    containers: t.field({
      type: [Container],
      description: 'The containers it has, on all hosts.',
      resolve: (stack, _args, context) => observedOf(stack, context),
    }),
    waitingOn: t.field({
      type: [WaitingOnType],
      description: 'Which hosts that are offline its unfinished deployment waits for.',
      resolve: async (stack, _args, context) => {
        const latest = await context.load.latestDeployment.load(stack.id);
        if (!latest || latest.finishedAt) return [];
        const tasks = await context.load.tasksOfDeployment.load(latest.id);
        const reasons = (await Promise.all(tasks.map((task) => waitingOnOf(task, context)))).flat();
        const offline = reasons.filter(({ reason }) => reason === 'AGENT_OFFLINE');
        return [...new Map(offline.map((reason) => [reason.agent, reason])).values()];
      },
    }),
    currentDeployment: t.field({
      type: Deployment,
      nullable: true,
      description: 'Its newest deployment, finished or not.',
      resolve: async (stack, _args, { load }) => (await load.latestDeployment.load(stack.id)) ?? null,
    }),
    deployments: t.field({
      type: DeploymentConnection,
      description: 'Its deployments, newest first.',
      args: {
        first: t.arg.int({ required: true, defaultValue: 20, description: 'At most so many, 1 to 500.' }),
        after: t.arg.string({ description: 'The `endCursor` of the page before.' }),
      },
      resolve: (stack, page, context) => readDeployments(context, { stackId: stack.id }, page),
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was first deployed.',
      resolve: (stack) => stack.createdAt,
    }),
    updatedAt: t.field({
      type: 'DateTime',
      description: 'When it was last changed by a user.',
      resolve: (stack) => stack.updatedAt,
    }),
  }),
});

const nameArg = { required: true, description: "The stack's name." } as const;

builder.queryFields((t) => ({
  stacks: t.field({
    type: [Stack],
    authScopes: { viewer: true },
    description: 'All stacks, by name.',
    args: {
      includeDeleted: t.arg.boolean({
        required: true,
        defaultValue: false,
        description: 'Also those of which nothing is left.',
      }),
    },
    resolve: (_root, { includeDeleted }, { db }) => listStacks(db, includeDeleted),
  }),
  stack: t.field({
    type: Stack,
    nullable: true,
    authScopes: { viewer: true },
    description: 'One stack; null if there is none of that name.',
    args: { name: t.arg.string(nameArg) },
    resolve: async (_root, { name }, { db }) => (await findStack(db, name)) ?? null,
  }),
}));

const topics = [topic.stacks, topic.tasks, topic.agents];

builder.subscriptionFields((t) => ({
  stacks: t.field({
    type: [Stack],
    authScopes: { viewer: true },
    description: 'All stacks, now and whenever one of them changes.',
    subscribe: (_root, _args, { db, live }) => live(topics, () => listStacks(db, false), { minIntervalMs: 200 }),
    resolve: (stacks: StackRow[]) => stacks,
  }),
  stack: t.field({
    type: Stack,
    nullable: true,
    authScopes: { viewer: true },
    description: 'One stack, now and whenever it changes; null when it is gone.',
    args: { name: t.arg.string(nameArg) },
    subscribe: (_root, { name }, { db, live }) =>
      live(topics, async () => ({ stack: (await findStack(db, name)) ?? null }), { minIntervalMs: 200 }),
    resolve: ({ stack }: { stack: StackRow | null }) => stack,
  }),
}));
