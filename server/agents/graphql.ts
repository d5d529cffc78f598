import { GraphiumError } from '../base/errors.ts';
import { topic } from '../db/notify.ts';
import type { EngineFacts } from '../db/values.ts';
import type { Caller } from '../http/context.ts';
import { type Credential, enrollAgent, removeAgent } from '../protocol/enroll.ts';
import { type OpenedSession, openSession, reportContainers } from '../protocol/session.ts';
import { builder, checkId, describedEnum } from '../schema/builder.ts';
import { fromLabels, Label, LabelInput, toLabels } from '../schema/common.ts';
import { Container, ContainerReport } from './containers.graphql.ts';
import { type AgentRow, findAgent, LEASE_SECONDS, listAgents } from './store.ts';

const AgentState = describedEnum('AgentState', 'Whether an agent can be reached.', {
  ONLINE: 'It has a live session.',
  OFFLINE: 'It has none; its tasks wait.',
  QUARANTINED: 'Two processes used its credential; enrol it again.',
});

const Transport = describedEnum('Transport', 'How an agent gets its tasks.', {
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
      resolve: (agent, _args, { load }) => load.containersOfAgent.load(agent.id),
    }),
    unfinishedTasks: t.int({
      description: 'How many of its tasks are PENDING or RUNNING.',
      resolve: (agent, _args, { load }) => load.unfinishedTasks.load(agent.id),
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

const AgentCredential = builder.objectRef<Credential>('AgentCredential').implement({
  description: "An agent's own credential.",
  authScopes: { join: true },
  fields: (t) => ({
    agentId: t.exposeID('agentId', { description: "The agent's id." }),
    name: t.exposeString('name', { description: "The agent's name." }),
    secret: t.exposeString('secret', { description: 'The token to send from now on; shown this once.' }),
  }),
});

type SessionResult = OpenedSession & { clusterId: string; agentName: string };

const AgentSession = builder.objectRef<SessionResult>('AgentSession').implement({
  description: 'The live connection of an agent; opening a newer one ends it.',
  authScopes: { agent: true },
  fields: (t) => ({
    epoch: t.exposeInt('epoch', { description: 'Its number; every later operation of the session carries it.' }),
    clusterId: t.exposeID('clusterId', { description: 'Goes into the label `graphium.cluster` of all it makes.' }),
    agentName: t.exposeString('agentName', { description: 'Goes into the label `graphium.agent`.' }),
    leaseSeconds: t.int({
      description: 'The session ends after so many seconds without a sign of life.',
      resolve: () => LEASE_SECONDS,
    }),
    adopted: t.exposeIDList('adopted', {
      description: 'Ids of the running tasks that stay with it, attempt unchanged. Work on any other is to be dropped.',
    }),
  }),
});

const EngineInput = builder.inputType('EngineInput', {
  description: 'The Docker engine of the host.',
  fields: (t) => ({
    version: t.string({ required: true, description: 'Its version.' }),
    apiVersion: t.string({ required: true, description: 'The version of the Docker API in use.' }),
    os: t.string({ required: true, description: 'Operating system.' }),
    arch: t.string({ required: true, description: 'Architecture.' }),
    cpus: t.int({ required: true, description: 'Number of cores.' }),
    memoryBytes: t.float({ required: true, description: 'Memory in bytes.' }),
  }),
});

const RunningTaskInput = builder.inputType('RunningTaskInput', {
  description: 'A task that the agent is working on, or whose result was not accepted yet.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: "The task's id." }),
    attempt: t.int({ required: true, description: 'The attempt it was started with.' }),
  }),
});

const SessionInput = builder.inputType('SessionInput', {
  description: 'Who opens a session, and with what.',
  fields: (t) => ({
    instanceId: t.id({ required: true, description: 'A UUID that the process made when it started.' }),
    version: t.string({ required: true, description: "The agent's version." }),
    transport: t.field({ type: Transport, required: true, description: 'How it will get its tasks.' }),
    engine: t.field({ type: EngineInput, required: true, description: 'Its Docker engine.' }),
    running: t.field({ type: [RunningTaskInput], required: true, description: 'What it is working on.' }),
  }),
});

builder.mutationFields((t) => ({
  removeAgent: t.field({
    type: Agent,
    authScopes: { admin: true },
    description:
      'Takes an agent off: its credential ends at once, its unfinished tasks are cancelled. What runs on its host goes on.',
    args: {
      name: t.arg.string({ required: true, description: 'Its name.' }),
      force: t.arg.boolean({
        required: true,
        defaultValue: false,
        description: 'Also while it has containers or unfinished tasks.',
      }),
    },
    resolve: (_root, { name, force }, { db, actor }) => removeAgent(db, actor, name, force),
  }),
  enrollAgent: t.field({
    type: AgentCredential,
    authScopes: { join: true },
    description: 'For an agent with a join token: trades it for a credential of its own.',
    args: {
      name: t.arg.string({ required: true, description: 'The name that stack files will use.' }),
      labels: t.arg({ type: [LabelInput], description: 'What describes its host.' }),
    },
    resolve: (_root, { name, labels }, { db, caller }) =>
      enrollAgent(db, { tokenId: caller?.tokenId ?? '' }, { name, labels: fromLabels(labels) }),
  }),
  openSession: t.field({
    type: AgentSession,
    authScopes: { agent: true },
    description: 'For agents: begins a session and ends the one before.',
    args: { input: t.arg({ type: SessionInput, required: true, description: 'Who opens it.' }) },
    resolve: async (_root, { input }, { db, caller, clusterId, sockets, socket }) => {
      const { agentId, name } = agentOf(caller);
      checkId('instance', input.instanceId);
      for (const { taskId } of input.running) checkId('task', taskId);
      const session = await openSession(db, agentId, input);
      if (socket) sockets.attach(socket, { agentId, epoch: session.epoch });
      return { ...session, clusterId, agentName: name };
    },
  }),
  reportContainers: t.boolean({
    authScopes: { agent: true },
    description: 'For agents: all the containers with our labels on the host, in any state. Always true.',
    args: {
      epoch: t.arg.int({ required: true, description: "The session's number." }),
      containers: t.arg({ type: [ContainerReport], required: true, description: 'The complete list.' }),
    },
    resolve: async (_root, { epoch, containers }, { db, caller }) => {
      const rows = containers.map(({ id, ...rest }) => ({
        ...rest,
        containerId: id,
        exitCode: rest.exitCode ?? null,
        startedAt: rest.startedAt ?? null,
        taskId: rest.taskId ?? null,
      }));
      await reportContainers(db, agentOf(caller).agentId, epoch, rows);
      return true;
    },
  }),
}));

/** The scope `agent` was checked before; this tells the compiler. */
export function agentOf(caller: Caller | undefined): Extract<Caller, { kind: 'AGENT' }> {
  if (caller?.kind === 'AGENT') return caller;
  throw new GraphiumError('FORBIDDEN', 'Only an agent may do this.');
}
