import { Container } from '../agents/containers.graphql.ts';
import { agentById } from '../agents/loaders.ts';
import { type ContainerRow, findAgent } from '../agents/store.ts';
import { notFound } from '../base/errors.ts';
import { topic } from '../db/notify.ts';
import { checkKey, Deployment } from '../deployments/graphql.ts';
import { latestDeployment } from '../deployments/loaders.ts';
import { operate } from '../deployments/operate.ts';
import { fileArgs, toFile } from '../deployments/operations.graphql.ts';
import { containerKey } from '../planning/changes.ts';
import { type Drift, driftOf } from '../planning/drift.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import type { Context } from '../schema/context.ts';
import { observedOf, Stack, wantedOf } from '../stacks/graphql.ts';
import { findStack, listStacks, type StackRow } from '../stacks/store.ts';
import { tasksOfDeployment } from '../tasks/loaders.ts';
import { setAutoRepair } from './auto-repair.ts';
import { listOrphans, type Orphan, removeOrphans } from './orphans.ts';

const DriftKind = describedEnum('DriftKind', 'How a container is not what is wanted.', {
  MISSING: 'It is not there.',
  STOPPED: 'It is there and does not run.',
  CHANGED: 'It was made from another spec than the current revision has.',
  UNHEALTHY: 'Its health check fails, or it ends again and again.',
  UNKNOWN: 'It has the labels of the stack, and the current revision does not want it there.',
  RUNNING: 'It runs although the stack is stopped.',
});

type DriftRow = Drift & { stack: string; container: ContainerRow | null };

const DriftType = builder.objectRef<DriftRow>('Drift').implement({
  description:
    'A container that is not what the current revision of its stack wants. Hosts that are offline have none.',
  authScopes: { viewer: true },
  fields: (t) => ({
    kind: t.field({ type: DriftKind, description: 'How it differs.', resolve: (row) => row.kind }),
    stack: t.exposeString('stack', { description: 'The stack.' }),
    agent: t.string({
      description: 'The host.',
      resolve: async ({ agentId }, _args, { load }) => (await load(agentById, agentId)).name,
    }),
    containerName: t.exposeString('containerName', { description: 'Its name on the host.' }),
    service: t.exposeString('service', { nullable: true, description: 'Its service; null for one nobody wants.' }),
    message: t.exposeString('message', { description: 'In words.' }),
    container: t.field({
      type: Container,
      nullable: true,
      description: 'What is there instead; null if nothing is.',
      resolve: (row) => row.container,
    }),
  }),
});

async function driftOfStack(stack: StackRow, context: Context): Promise<DriftRow[]> {
  if (stack.deletedAt) return [];
  const { load } = context;
  const [wanted, observed, latest] = await Promise.all([
    wantedOf(stack, context),
    observedOf(stack, context),
    load(latestDeployment, stack.id),
  ]);
  const tasks = latest && !latest.finishedAt ? await load(tasksOfDeployment, latest.id) : [];
  const agentIds = [...new Set([...wanted, ...observed].map(({ agentId }) => agentId))];
  const agents = await Promise.all(agentIds.map((id) => load(agentById, id)));
  const drift = driftOf({
    desired: stack.desired,
    placed: wanted,
    observed,
    online: new Set(agents.filter(({ online }) => online).map(({ id }) => id)),
    inWork: tasks.flatMap(({ agentId, containerName: name, finishedAt }) =>
      name && !finishedAt ? [{ agentId, name }] : [],
    ),
  });
  const rows = new Map(observed.map((row) => [containerKey(row.agentId, row.name), row]));
  return drift.map((one) => ({
    ...one,
    stack: stack.name,
    container: rows.get(containerKey(one.agentId, one.containerName)) ?? null,
  }));
}

builder.objectFields(Stack, (t) => ({
  drift: t.field({
    type: [DriftType],
    description: 'Where what is observed is not what the current revision wants; `repairStack` mends it.',
    resolve: (stack, _args, context) => driftOfStack(stack, context),
  }),
}));

builder.subscriptionFields((t) => ({
  drift: t.field({
    type: [DriftType],
    authScopes: { viewer: true },
    description: 'The drift of all stacks, or of one, now and whenever it may have changed.',
    args: { stack: t.arg.string({ description: 'Only of the stack of this name.' }) },
    subscribe: async (_root, { stack: name }, { db, live }) => {
      if (name != null && !(await findStack(db, name))) throw notFound('stack', name);
      const read = async () => (await listStacks(db, false)).filter((stack) => name == null || stack.name === name);
      return live([topic.stacks, topic.agents], read, { minIntervalMs: 200 });
    },
    resolve: async (stacks: StackRow[], _args, context) =>
      (await Promise.all(stacks.map((stack) => driftOfStack(stack, context)))).flat(),
  }),
}));

const OrphanReason = describedEnum('OrphanReason', 'Why nothing wants a container that has our labels.', {
  UNKNOWN_STACK: 'There is no stack of its name here: the database may be older than the host.',
  NOT_WANTED: 'Its stack is there, and the current revision does not want it on that host.',
});

const OrphanType = builder.objectRef<Orphan>('Orphan').implement({
  description:
    'A container with our labels that nothing wants. It is never removed unasked unless Graphium itself had its removal to do.',
  authScopes: { viewer: true },
  fields: (t) => ({
    stack: t.string({ description: 'The stack by its label.', resolve: ({ container }) => container.stack }),
    agent: t.string({
      description: 'The host.',
      resolve: async ({ container }, _args, { load }) => (await load(agentById, container.agentId)).name,
    }),
    reason: t.field({ type: OrphanReason, description: 'Why nothing wants it.', resolve: (row) => row.reason }),
    isBeingRemoved: t.boolean({
      description: 'Whether Graphium removes it by itself, for it made it and ended its stack or its service.',
      resolve: (row) => row.isRemovable,
    }),
    container: t.field({ type: Container, description: 'What is there.', resolve: (row) => row.container }),
  }),
});

builder.queryFields((t) => ({
  orphans: t.field({
    type: [OrphanType],
    authScopes: { viewer: true },
    description: 'Containers with our labels that nothing wants, to adopt or to remove.',
    resolve: (_root, _args, { db }) => listOrphans(db),
  }),
}));

builder.mutationFields((t) => ({
  setAutoRepair: t.field({
    type: Stack,
    authScopes: { operator: true },
    description: 'Whether drift of a stack is repaired by itself: at once, and if it comes back each time later.',
    args: {
      name: t.arg.string({ required: true, description: "The stack's name." }),
      enabled: t.arg.boolean({ required: true, description: 'Whether to.' }),
    },
    resolve: (_root, { name, enabled }, { db, actor }) => setAutoRepair(db, actor, name, enabled),
  }),
  adoptOrphans: t.field({
    type: Deployment,
    authScopes: { operator: true },
    description:
      'Takes over the containers of a stack that is not known here, by its file: those that are as the file says stay untouched. Refused with CONFLICT if the file would replace or remove any; `deployStack` does it then.',
    args: {
      ...fileArgs(t.arg),
      idempotencyKey: t.arg.string({ description: 'The same key gives the same deployment.' }),
    },
    resolve: (_root, args, { db, vault, actor }) =>
      operate({ db, vault }, actor, { kind: 'DEPLOY', file: toFile(args) }, toAdoption(args.idempotencyKey)),
  }),
  removeOrphans: t.field({
    type: Deployment,
    authScopes: { operator: true },
    description: 'Removes the containers with the labels of a stack that nothing wants, on one host or on all.',
    args: {
      stack: t.arg.string({ required: true, description: 'The stack by its label.' }),
      agent: t.arg.string({ description: 'Only on this host.' }),
    },
    resolve: async (_root, { stack, agent: name }, { db, actor }) => {
      const agent = name == null ? null : await findAgent(db, name);
      if (agent === undefined) throw notFound('agent', name ?? '');
      return removeOrphans(db, actor, stack, agent?.id ?? null);
    },
  }),
}));

const toAdoption = (key: string | null | undefined) => ({ adoptOnly: true, idempotencyKey: checkKey(key) });
