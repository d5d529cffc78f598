import { topic } from '../db/notify.ts';
import type { EngineFacts } from '../db/values.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import { Label, LabelInput, pageArgs, pageOf, toLabels } from '../schema/common.ts';
import { Container } from './containers.graphql.ts';
import { checkLabels, setAgentLabels } from './labels.ts';
import { containersOfAgent, unfinishedTaskCount } from './loaders.ts';
import { type AgentRow, findAgent, lastSeenAt, listAgents } from './store.ts';

const AgentState = describedEnum('AgentState', 'Whether an agent can be reached.', {
  ONLINE: 'The agent has a live session, and the Docker engine of its host answers it.',
  ENGINE_DOWN:
    'The agent has a live session, but the Docker engine of its host does not answer it; its tasks wait until the engine does.',
  OFFLINE: 'The agent has no session; its tasks wait until it returns.',
  QUARANTINED: "Two processes used the agent's credential; it must be enrolled again.",
});

export const Transport = describedEnum('Transport', 'How an agent receives its tasks.', {
  STREAM: 'Over a subscription, as soon as they are ready.',
  POLL: 'By asking every few seconds, because it cannot open a WebSocket.',
});

const Engine = builder.objectRef<EngineFacts>('Engine').implement({
  description: 'The Docker engine of a host.',
  authScopes: { viewer: true },
  fields: (t) => ({
    version: t.exposeString('version', { description: "The engine's version, such as `28.2.2`." }),
    apiVersion: t.exposeString('apiVersion', {
      description: 'The version of the Docker API that the agent uses, such as `1.48`.',
    }),
    os: t.exposeString('os', { description: 'The operating system, such as `linux`.' }),
    arch: t.exposeString('arch', { description: 'The processor architecture, such as `x86_64`.' }),
    cpus: t.exposeInt('cpus', { description: 'The number of processor cores.' }),
    memoryBytes: t.exposeFloat('memoryBytes', { description: "The host's memory in bytes." }),
  }),
});

export const Agent = builder.objectRef<AgentRow>('Agent').implement({
  description:
    "A process that manages the containers of one Docker host. Stack files refer to the host by the agent's name.",
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeID('id', { description: "The agent's ID, a UUID." }),
    name: t.exposeString('name', { description: "The agent's name, by which stack files refer to its host." }),
    labels: t.field({
      type: [Label],
      description: "Labels that describe the agent's host. Placement constraints can refer to them.",
      resolve: (agent) => toLabels(agent.labels),
    }),
    state: t.field({ type: AgentState, description: 'Whether the agent can be reached.', resolve: stateOf }),
    transport: t.field({
      type: Transport,
      nullable: true,
      description: 'How the agent receives its tasks; null while it has no session.',
      resolve: (agent) => (agent.connected ? agent.transport : null),
    }),
    connectedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: "When the agent's current session was opened; null while it has none.",
      resolve: (agent) => (agent.connected ? agent.sessionStartedAt : null),
    }),
    offlineSince: t.field({
      type: 'DateTime',
      nullable: true,
      description: "When the agent's last session ended; null while it has one or if it has never connected.",
      resolve: (agent) => (agent.connected ? null : agent.sessionExpiresAt),
    }),
    lastSeenAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the server last heard of the agent; null if it has never connected.',
      resolve: lastSeenAt,
    }),
    quarantineReason: t.string({
      nullable: true,
      description: 'Why the agent is in quarantine and how to end that; null if it is not.',
      resolve: (agent) =>
        agent.quarantinedAt
          ? `Two processes used its credential at ${agent.quarantinedAt.toISOString()}. Stop one and enroll the agent again with a join token for its name.`
          : null,
    }),
    version: t.exposeString('version', {
      nullable: true,
      description: 'The version of the agent; null if it has never connected.',
    }),
    engine: t.field({
      type: Engine,
      nullable: true,
      description: "The Docker engine of the agent's host as it last answered; null if it has never done so.",
      resolve: (agent) => agent.engine,
    }),
    engineDownSince: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the agent said that the Docker engine of its host does not answer; null while it does.',
      resolve: (agent) => agent.engineDownSince,
    }),
    engineProblem: t.exposeString('engineProblem', {
      nullable: true,
      description: 'What the agent met when it asked the Docker engine; null while the engine answers.',
    }),
    policy: t.field({
      type: 'JSON',
      nullable: true,
      authScopes: { operator: true },
      description:
        'What the policy of the host allows, as its agent reports it: an object of the form of its policy file. Null if it has not said.',
      resolve: (agent) => agent.policy,
    }),
    containers: t.field({
      type: [Container],
      description: "The containers with Graphium's labels that the agent last observed on its host.",
      args: pageArgs,
      resolve: async (agent, page, { load }) =>
        pageOf(await load(containersOfAgent, agent.id), page, ({ containerId }) => containerId),
    }),
    unfinishedTasks: t.int({
      description: "The number of the agent's tasks that are PENDING or RUNNING.",
      resolve: (agent, _args, { load }) => load(unfinishedTaskCount, agent.id),
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When the agent was enrolled.',
      resolve: (agent) => agent.createdAt,
    }),
  }),
});

function stateOf({ quarantinedAt, connected, online }: AgentRow) {
  if (quarantinedAt) return 'QUARANTINED';
  if (online) return 'ONLINE';
  return connected ? 'ENGINE_DOWN' : 'OFFLINE';
}

builder.queryFields((t) => ({
  agents: t.field({
    type: [Agent],
    authScopes: { viewer: true },
    description: 'The agents, sorted by name.',
    args: pageArgs,
    resolve: async (_root, page, { db }) => pageOf(await listAgents(db), page, ({ id }) => id),
  }),
  agent: t.field({
    type: Agent,
    nullable: true,
    authScopes: { viewer: true },
    description: 'The agent of the given name; null if there is none.',
    args: { name: t.arg.string({ required: true, description: "The agent's name." }) },
    resolve: async (_root, { name }, { db }) => (await findAgent(db, name)) ?? null,
  }),
}));

builder.mutationFields((t) => ({
  setAgentLabels: t.field({
    type: Agent,
    authScopes: { admin: true },
    description:
      'Replaces all labels of an agent. Containers of global services come and go within seconds; all others stay, and see the new labels from the next deployment on. The agent cannot change them itself.',
    args: {
      name: t.arg.string({ required: true, description: "The agent's name." }),
      labels: t.arg({
        type: [LabelInput],
        required: true,
        description: 'The labels that the agent will have, at most 64; an empty list takes all away.',
      }),
    },
    resolve: (_root, { name, labels }, { db, actor }) => setAgentLabels(db, actor, name, checkLabels(labels)),
  }),
}));

builder.subscriptionFields((t) => ({
  agents: t.field({
    type: [Agent],
    authScopes: { viewer: true },
    description: 'All agents, sent at once and again whenever an agent or one of its containers changes.',
    subscribe: (_root, _args, { db, live }) => live([topic.agents], () => listAgents(db), { minIntervalMs: 100 }),
    resolve: (agents: AgentRow[]) => agents,
  }),
}));
