import { Container, Port } from '../agents/containers.graphql.ts';
import { containersOfStack } from '../agents/loaders.ts';
import { topic } from '../db/notify.ts';
import { placedOf } from '../planning/placed.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import { pageArgs, pageOf } from '../schema/common.ts';
import { type Context, isViewer } from '../schema/context.ts';
import type { ContainerSpec, ServiceSpec } from '../spec/spec.ts';
import { maskSource } from '../stackfile/mask.ts';
import { currentPlacements, currentRevision } from './loaders.ts';
import { findStack, listStacks, type StackRow } from './store.ts';

export const StackFormat = describedEnum('StackFormat', 'The format of a stack file.', {
  COMPOSE: 'The Compose Specification, as YAML or JSON.',
  JSONLD: 'Graphium JSON-LD.',
});

const DesiredState = describedEnum('DesiredState', 'The state that the user wants a stack to be in.', {
  RUNNING: "The stack's containers should be running.",
  STOPPED: "The stack's containers should exist but not run.",
  DELETED: 'Nothing of the stack should be left.',
});

export type WantedRow = { agent: string; agentId: string; service: ServiceSpec; container: ContainerSpec };

const WantedContainer = builder.objectRef<WantedRow>('WantedContainer').implement({
  description: 'A container that a stack should have according to its current revision.',
  authScopes: { viewer: true },
  fields: (t) => ({
    name: t.string({ description: "The container's name on the host.", resolve: ({ container }) => container.name }),
    service: t.string({ description: "The name of the container's service.", resolve: ({ service }) => service.name }),
    replica: t.int({
      description: "The container's number within its service on all hosts, starting from 1.",
      resolve: ({ container }) => container.replica,
    }),
    agent: t.exposeString('agent', { description: 'The name of the agent on whose host the container is placed.' }),
    image: t.string({
      description: 'The image, as the stack file names it.',
      resolve: ({ container }) => container.image,
    }),
    ports: t.field({
      type: [Port],
      description: "The container's ports.",
      resolve: ({ container }) =>
        container.ports.map((port) => ({
          ...port,
          protocol: port.protocol.toUpperCase() as 'TCP' | 'UDP' | 'SCTP',
        })),
    }),
  }),
});

export async function wantedOf(stack: StackRow, { load }: Context): Promise<WantedRow[]> {
  const [{ spec }, placements] = await Promise.all([
    load(currentRevision, stack.id),
    load(currentPlacements, stack.id),
  ]);
  const names = new Map(placements.map(({ agentId, agent }) => [agentId, agent]));
  return placedOf(spec, placements).map((placed) => ({ ...placed, agent: names.get(placed.agentId) ?? '' }));
}

/** A deleted stack has none, although another one may have taken its name. */
export const observedOf = async (stack: StackRow, { load }: Context) =>
  stack.deletedAt ? [] : load(containersOfStack, stack.name);

/** What the caller may see of a stack file. */
export const shownSource = (source: string, context: Context): string =>
  isViewer(context) ? maskSource(source) : source;

export const Stack = builder.objectRef<StackRow>('Stack').implement({
  description: 'A named set of containers on one or more hosts, described by a stack file.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeID('id', {
      description: "The stack's ID, a UUID. A stack that is deleted and deployed again has a new one.",
    }),
    name: t.exposeString('name', { description: "The stack's name." }),
    desired: t.field({
      type: DesiredState,
      description: 'The state that the user wants the stack to be in.',
      resolve: (stack) => stack.desired,
    }),
    revision: t.exposeInt('revision', { description: "The number of the stack's current revision, starting from 1." }),
    goodRevision: t.exposeInt('goodRevision', {
      nullable: true,
      description:
        'The number of the last revision that was deployed successfully, which a failed deployment is rolled back to; null if there is none.',
    }),
    autoRepair: t.exposeBoolean('autoRepair', {
      description: "Whether the stack's drift is repaired automatically; see `setAutoRepair`.",
    }),
    source: t.string({
      description:
        'The stack file of the current revision, as it was sent. Secrets in it are not shown, nor, to viewers, the values of environments, commands and labels.',
      resolve: async (stack, _args, context) =>
        shownSource((await context.load(currentRevision, stack.id)).source, context),
    }),
    format: t.field({
      type: StackFormat,
      description: "The format of the current revision's stack file.",
      resolve: async (stack, _args, { load }) => (await load(currentRevision, stack.id)).format,
    }),
    wanted: t.field({
      type: [WantedContainer],
      description: 'The containers that the stack should have according to its current revision.',
      resolve: (stack, _args, context) => wantedOf(stack, context),
    }),
    containers: t.field({
      type: [Container],
      description: 'The containers that the stack has on all hosts, as last observed.',
      args: pageArgs,
      resolve: async (stack, page, context) =>
        pageOf(await observedOf(stack, context), page, ({ containerId }) => containerId),
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When the stack was first deployed.',
      resolve: (stack) => stack.createdAt,
    }),
    updatedAt: t.field({
      type: 'DateTime',
      description: 'When a user last changed the stack.',
      resolve: (stack) => stack.updatedAt,
    }),
  }),
});

const nameArg = { required: true, description: "The stack's name." } as const;

builder.queryFields((t) => ({
  stacks: t.field({
    type: [Stack],
    authScopes: { viewer: true },
    description: 'The stacks, sorted by name.',
    args: {
      ...pageArgs,
      includeDeleted: t.arg.boolean({
        required: true,
        defaultValue: false,
        description: 'If true, stacks that are completely deleted are included.',
      }),
    },
    resolve: async (_root, { includeDeleted, ...page }, { db }) =>
      pageOf(await listStacks(db, includeDeleted), page, ({ id }) => id),
  }),
  stack: t.field({
    type: Stack,
    nullable: true,
    authScopes: { viewer: true },
    description: 'The stack of the given name; null if there is none.',
    args: { name: t.arg.string(nameArg) },
    resolve: async (_root, { name }, { db }) => (await findStack(db, name)) ?? null,
  }),
}));

const topics = [topic.stacks, topic.tasks, topic.agents];

builder.subscriptionFields((t) => ({
  stacks: t.field({
    type: [Stack],
    authScopes: { viewer: true },
    description: 'All stacks, sent at once and again whenever one of them changes.',
    subscribe: (_root, _args, { db, live }) => live(topics, () => listStacks(db, false), { minIntervalMs: 200 }),
    resolve: (stacks: StackRow[]) => stacks,
  }),
  stack: t.field({
    type: Stack,
    nullable: true,
    authScopes: { viewer: true },
    description: 'The stack of the given name, sent at once and again whenever it changes; null if there is none.',
    args: { name: t.arg.string(nameArg) },
    subscribe: (_root, { name }, { db, live }) =>
      live(topics, async () => ({ stack: (await findStack(db, name)) ?? null }), { minIntervalMs: 200 }),
    resolve: ({ stack }: { stack: StackRow | null }) => stack,
  }),
}));
