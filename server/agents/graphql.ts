import { topic } from '../db/notify.ts';
import type { EngineFacts } from '../db/values.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import { Label, toLabels } from '../schema/common.ts';
import { Container } from './containers.graphql.ts';
import { containersOfAgent, unfinishedTaskCount } from './loaders.ts';
import { type AgentRow, findAgent, listAgents } from './store.ts';

const AgentState = describedEnum('AgentState', 'Whether an agent can be reached.', {
  ONLINE: 'It has a live session.',
  OFFLINE: 'It has none; its tasks wait.',
  QUARANTINED: 'Two processes used its credential; enrol it again.',
});

export const Transport = describedEnum('Transport', 'How an agent gets its tasks.', {
  STREAM: 'Over a subscription, at once.',
  POLL: 'It asks every few seconds, for a WebSocket cannot be had.',
});

const Engine = builder.objectRef<EngineFacts>('Engine').implement({
  description: 'The Docker engine of a host.',
  authScopes: { viewer: true },
  fields: (t) => ({
    version: t.exposeString('version', { description: 'Its version, such as `28.2.2`.' }),
    apiVersion: t.exposeString('apiVersion', { description: 'The version of the Docker API that is spoken with it.' }),
    os: t.exposeString('os', { description: 'Operating system, such as `linux`.' }),
    arch: t.exposeString('arch', { description: 'Architecture, such as `x86_64`.' }),
    cpus: t.exposeInt('cpus', { description: 'Number of cores.' }),
    memoryBytes: t.exposeFloat('memoryBytes', { description: 'Memory in bytes.' }),
  }),
});

export const Agent = builder.objectRef<AgentRow>('Agent').implement({
  description: 'One process on one Docker host. Stacks name it as their host.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id.' }),
    name: t.exposeString('name', { description: 'The name that stack files use.' }),
    labels: t.field({
      type: [Label],
      description: 'What describes its host.',
      resolve: (agent) => toLabels(agent.labels),
    }),
    state: t.field({ type: AgentState, description: 'Whether it can be reached.', resolve: stateOf }),
    transport: t.field({
      type: Transport,
      nullable: true,
      description: 'How its session gets its tasks; null while it is offline.',
      resolve: (agent) => (agent.online ? agent.transport : null),
    }),
    connectedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its session was opened; null while it is offline.',
      resolve: (agent) => (agent.online ? agent.sessionStartedAt : null),
    }),
    offlineSince: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its last session ended; null while it is online or if it never connected.',
      resolve: (agent) => (agent.online ? null : agent.sessionExpiresAt),
    }),
    quarantineReason: t.string({
      nullable: true,
      description: 'Why it is in quarantine and the way out; null if it is not.',
      resolve: (agent) =>
        agent.quarantinedAt
          ? `Two processes used its credential at ${agent.quarantinedAt.toISOString()}. Stop one and enrol the agent again with a join token for its name.`
          : null,
    }),
    version: t.exposeString('version', { nullable: true, description: "The agent's own version." }),
    engine: t.field({
      type: Engine,
      nullable: true,
      description: 'Its Docker engine.',
      resolve: (agent) => agent.engine,
    }),
    containers: t.field({
      type: [Container],
      description: 'What it last saw on its host.',
      resolve: (agent, _args, { load }) => load(containersOfAgent, agent.id),
    }),
    unfinishedTasks: t.int({
      description: 'How many of its tasks are PENDING or RUNNING.',
      resolve: (agent, _args, { load }) => load(unfinishedTaskCount, agent.id),
    }),
    createdAt: t.field({ type: 'DateTime', description: 'When it was enrolled.', resolve: (agent) => agent.createdAt }),
  }),
});

function stateOf(agent: AgentRow): 'ONLINE' | 'OFFLINE' | 'QUARANTINED' {
  if (agent.quarantinedAt) return 'QUARANTINED';
  return agent.online ? 'ONLINE' : 'OFFLINE';
}

builder.queryFields((t) => ({
  agents: t.field({
    type: [Agent],
    authScopes: { viewer: true },
    description: 'All agents, by name.',
    resolve: (_root, _args, { db }) => listAgents(db),
  }),
  agent: t.field({
    type: Agent,
    nullable: true,
    authScopes: { viewer: true },
    description: 'One agent; null if there is none of that name.',
    args: { name: t.arg.string({ required: true, description: 'Its name.' }) },
    resolve: async (_root, { name }, { db }) => (await findAgent(db, name)) ?? null,
  }),
}));

builder.subscriptionFields((t) => ({
  agents: t.field({
    type: [Agent],
    authScopes: { viewer: true },
    description: 'All agents, now and whenever one of them or what it observes changes.',
    subscribe: (_root, _args, { db, live }) => live([topic.agents], () => listAgents(db), { minIntervalMs: 100 }),
    resolve: (agents: AgentRow[]) => agents,
  }),
}));
