import { ContainerState, Health, PortProtocol } from '../agents/containers.graphql.ts';
import { Agent, Transport } from '../agents/graphql.ts';
import { LEASE_SECONDS } from '../agents/store.ts';
import { builder, checkId } from '../schema/builder.ts';
import { fromLabels, LabelInput } from '../schema/common.ts';
import { agentOf } from '../schema/context.ts';
import { type Credential, enrollAgent } from './enroll.ts';
import { removeAgent } from './remove-agent.ts';
import { type OpenedSession, openSession, reportContainers } from './session.ts';

const PortInput = builder.inputType('PortInput', {
  description: 'A port of a container, and where its host publishes it.',
  fields: (t) => ({
    hostIp: t.string({ description: "The host's address; null means all of them." }),
    hostPort: t.int({ description: 'The port of the host; null if not published.' }),
    containerPort: t.int({ required: true, description: 'The port inside the container.' }),
    protocol: t.field({ type: PortProtocol, required: true, description: 'Its protocol.' }),
  }),
});

const ContainerReport = builder.inputType('ContainerReport', {
  description: 'A container with our labels, as the agent sees it.',
  fields: (t) => ({
    id: t.id({ required: true, description: "Docker's id of it." }),
    name: t.string({ required: true, description: 'Its name on the host.' }),
    stack: t.string({ required: true, description: 'Label `graphium.stack`.' }),
    service: t.string({ required: true, description: 'Label `graphium.service`.' }),
    replica: t.int({ required: true, description: 'Label `graphium.replica`.' }),
    revision: t.int({ required: true, description: 'Label `graphium.revision`.' }),
    specHash: t.string({ required: true, description: 'Label `graphium.spec`.' }),
    image: t.string({ required: true, description: 'The image it was made from.' }),
    state: t.field({ type: ContainerState, required: true, description: "Docker's state of it." }),
    health: t.field({ type: Health, required: true, description: 'Its health.' }),
    exitCode: t.int({ description: 'With what its process ended; null while it runs.' }),
    ports: t.field({ type: [PortInput], required: true, description: 'Its ports.' }),
    startedAt: t.field({ type: 'DateTime', description: 'When it was started.' }),
    taskId: t.string({ description: 'Label `graphium.task`: the task that made it.' }),
  }),
});

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
    resolve: async (_root, { input }, { db, caller, clusterId, bindSession }) => {
      const { agentId, name } = agentOf(caller);
      checkId('instance', input.instanceId);
      for (const { taskId } of input.running) checkId('task', taskId);
      const session = await openSession(db, agentId, input);
      bindSession({ agentId, epoch: session.epoch });
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
