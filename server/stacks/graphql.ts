import { Container, Port } from '../agents/containers.graphql.ts';
import { containersOfStack } from '../agents/loaders.ts';
import { topic } from '../db/notify.ts';
import { placedOf } from '../planning/placed.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import type { Context } from '../schema/context.ts';
import type { ContainerSpec, ServiceSpec } from '../spec/spec.ts';
import { currentPlacements, currentRevision } from './loaders.ts';
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

export const Stack = builder.objectRef<StackRow>('Stack').implement({
  description: 'A named set of containers on one or many hosts.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id; a stack that is deleted and made again gets another.' }),
    name: t.exposeString('name', { description: 'Its name.' }),
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
      resolve: async (stack, _args, { load }) => (await load(currentRevision, stack.id)).source,
    }),
    format: t.field({
      type: StackFormat,
      description: 'The format of that file.',
      resolve: async (stack, _args, { load }) => (await load(currentRevision, stack.id)).format,
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
