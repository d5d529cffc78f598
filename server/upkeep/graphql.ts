import { Container } from '../agents/containers.graphql.ts';
import { agentById } from '../agents/loaders.ts';
import { type ContainerRow, findAgent, unknownSince } from '../agents/store.ts';
import { notFound } from '../base/errors.ts';
import { topic } from '../db/notify.ts';
import { Deployment } from '../deployments/graphql.ts';
import { fileArgs, toFile } from '../deployments/inputs.graphql.ts';
import { latestDeployment, stoppedOfStack } from '../deployments/loaders.ts';
import { operate } from '../deployments/operate.ts';
import { checkKey } from '../deployments/options.graphql.ts';
import { containerKey, hasEndedWell } from '../planning/changes.ts';
import { type Drift, driftOf } from '../planning/drift.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import { pageArgs, pageOf } from '../schema/common.ts';
import type { Context } from '../schema/context.ts';
import { observedOf, Stack, wantedOf } from '../stacks/graphql.ts';
import { findStack, listStacks, type StackRow } from '../stacks/store.ts';
import { tasksOfDeployment } from '../tasks/loaders.ts';
import { setAutoRepair } from './auto-repair.ts';
import { listOrphans, type Orphan, removeOrphans } from './orphans.ts';

const DriftKind = describedEnum('DriftKind', 'How a container differs from what it should be.', {
  MISSING: 'The container does not exist.',
  STOPPED: 'The container exists but is not running.',
  CHANGED: "The container was made from a different spec than the current revision's.",
  UNHEALTHY: "The container's health check fails, or its main process keeps ending.",
  NOT_WANTED: 'The container belongs to the stack, but the current revision has no such container on that host.',
  RUNNING: 'The container is running although the stack is stopped.',
  UNKNOWN: 'The host is offline, so that what became of the container is not known; `since` says since when.',
});

type DriftRow = Drift & { stack: string; container: ContainerRow | null };

const DriftType = builder.objectRef<DriftRow>('Drift').implement({
  description: "A container that is not what its stack's current revision says, or of which that is not known.",
  authScopes: { viewer: true },
  fields: (t) => ({
    kind: t.field({ type: DriftKind, description: 'How the container differs.', resolve: (row) => row.kind }),
    stack: t.exposeString('stack', { description: "The stack's name." }),
    agent: t.string({
      description: 'The name of the agent on whose host the container is or should be.',
      resolve: async ({ agentId }, _args, { load }) => (await load(agentById, agentId)).name,
    }),
    containerName: t.exposeString('containerName', { description: "The container's name." }),
    service: t.exposeString('service', {
      nullable: true,
      description: "The name of the container's service; null if the revision has no such container.",
    }),
    message: t.exposeString('message', { description: 'How the container differs, in words.' }),
    since: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'For UNKNOWN, when the agent was last heard of, or last saw the Docker engine of its host; otherwise null.',
      resolve: async ({ agentId, kind }, _args, { load }) =>
        kind === 'UNKNOWN' ? unknownSince(await load(agentById, agentId)) : null,
    }),
    container: t.field({
      type: Container,
      nullable: true,
      description: 'The container as it was last observed; null if it does not exist.',
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
  const stopped = observed.some(hasEndedWell) ? await load(stoppedOfStack, stack.id) : [];
  const drift = driftOf({
    stopped,
    desired: stack.desired,
    placed: wanted,
    observed,
    online: new Set(agents.filter(({ online }) => online).map(({ id }) => id)),
    removed: new Set(agents.filter(({ removedAt }) => removedAt !== null).map(({ id }) => id)),
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
    description:
      'The differences between what is observed and what the current revision says. `repairStack` repairs them.',
    resolve: (stack, _args, context) => driftOfStack(stack, context),
  }),
}));

builder.subscriptionFields((t) => ({
  drift: t.field({
    type: [DriftType],
    authScopes: { viewer: true },
    description:
      'The drift of all stacks or of one, sent at once and again whenever it may have changed. NOT_FOUND if there is no stack of the given name.',
    args: { stack: t.arg.string({ description: "The stack's name. If omitted, the drift of all stacks is sent." }) },
    subscribe: async (_root, { stack: name }, { db, live }) => {
      if (name != null && !(await findStack(db, name))) throw notFound('stack', name);
      const read = async () => (await listStacks(db, false)).filter((stack) => name == null || stack.name === name);
      return live([topic.stacks, topic.agents], read, { minIntervalMs: 200 });
    },
    resolve: async (stacks: StackRow[], _args, context) =>
      (await Promise.all(stacks.map((stack) => driftOfStack(stack, context)))).flat(),
  }),
}));

const OrphanReason = describedEnum('OrphanReason', 'Why a container is an orphan.', {
  UNKNOWN_STACK: 'There is no stack of that name. The database may be older than the host.',
  NOT_WANTED: 'The stack exists, but its current revision has no such container on that host.',
});

const OrphanType = builder.objectRef<Orphan>('Orphan').implement({
  description:
    "A container with Graphium's labels that belongs to no stack's current revision. Graphium removes it by itself only if it had already ended its stack or service; all others are removed only on request.",
  authScopes: { viewer: true },
  fields: (t) => ({
    stack: t.string({
      description: "The name of the stack, from the container's label.",
      resolve: ({ container }) => container.stack,
    }),
    agent: t.string({
      description: 'The name of the agent on whose host the container is.',
      resolve: async ({ container }, _args, { load }) => (await load(agentById, container.agentId)).name,
    }),
    reason: t.field({
      type: OrphanReason,
      description: 'Why the container is an orphan.',
      resolve: (row) => row.reason,
    }),
    isBeingRemoved: t.boolean({
      description:
        "Whether Graphium removes the container by itself, because it had already ended the container's stack or service.",
      resolve: (row) => row.isRemovable,
    }),
    container: t.field({ type: Container, description: 'The container.', resolve: (row) => row.container }),
  }),
});

builder.queryFields((t) => ({
  orphans: t.field({
    type: [OrphanType],
    authScopes: { viewer: true },
    description:
      "The orphans on all hosts. They can be adopted or removed. A page goes on after its last container's ID.",
    args: pageArgs,
    resolve: async (_root, page, { db }) =>
      pageOf(await listOrphans(db), page, ({ container }) => container.containerId),
  }),
}));

builder.mutationFields((t) => ({
  setAutoRepair: t.field({
    type: Stack,
    authScopes: { operator: true },
    description:
      "Sets whether a stack's drift is repaired automatically. The first repair starts at once; if the drift returns, each further one waits twice as long, up to 10 minutes.",
    args: {
      name: t.arg.string({ required: true, description: "The stack's name." }),
      enabled: t.arg.boolean({ required: true, description: 'If true, drift is repaired automatically.' }),
    },
    resolve: (_root, { name, enabled }, { db, actor }) => setAutoRepair(db, actor, name, enabled),
  }),
  adoptOrphans: t.field({
    type: Deployment,
    authScopes: { operator: true },
    description:
      'Adopts the containers of an unknown stack, given its stack file: those that match the file become part of the stack without being touched. CONFLICT if the file would replace, restart or remove any of them; use `deployStack` for that.',
    args: {
      ...fileArgs(t.arg),
      idempotencyKey: t.arg.string({
        description: 'Makes the request safe to repeat; see `OperationOptions.idempotencyKey`.',
      }),
    },
    resolve: (_root, args, { db, actor }) =>
      operate(db, actor, { kind: 'DEPLOY', file: toFile(args) }, toAdoption(args.idempotencyKey)),
  }),
  removeOrphans: t.field({
    type: Deployment,
    authScopes: { operator: true },
    description: 'Removes the orphans of a stack, on one host or on all. NOT_FOUND if there are none.',
    args: {
      stack: t.arg.string({ required: true, description: "The name of the stack, from the containers' label." }),
      agent: t.arg.string({ description: 'The name of an agent. If omitted, orphans are removed from all hosts.' }),
    },
    resolve: async (_root, { stack, agent: name }, { db, actor }) => {
      const agent = name == null ? null : await findAgent(db, name);
      if (agent === undefined) throw notFound('agent', name ?? '');
      return removeOrphans(db, actor, stack, agent?.id ?? null);
    },
  }),
}));

const toAdoption = (key: string | null | undefined) => ({ adoptOnly: true, idempotencyKey: checkKey(key) });
