import { Agent, Transport } from '../agents/graphql.ts';
import { checkLabels } from '../agents/labels.ts';
import { LEASE_SECONDS } from '../agents/store.ts';
import { GraphiumError } from '../base/errors.ts';
import { type ReportedPolicy, toStorable } from '../db/values.ts';
import { builder, checkId } from '../schema/builder.ts';
import { Label, LabelInput, toLabels } from '../schema/common.ts';
import { agentOf } from '../schema/context.ts';
import { type Credential, enrollAgent } from './enroll.ts';
import { removeAgent } from './remove-agent.ts';
import { type OpenedSession, openSession, reportEngine } from './session.ts';

const AgentCredential = builder.objectRef<Credential>('AgentCredential').implement({
  description: 'The credential of an agent.',
  authScopes: { join: true },
  fields: (t) => ({
    agentId: t.exposeID('agentId', { description: "The agent's ID, a UUID." }),
    name: t.exposeString('name', { description: "The agent's name." }),
    secret: t.exposeString('secret', {
      description: 'The token that the agent sends from now on. It is shown only this once.',
    }),
  }),
});

type SessionResult = OpenedSession & { clusterId: string; agentName: string };

const AgentSession = builder.objectRef<SessionResult>('AgentSession').implement({
  description: 'The live session of an agent. An agent has at most one; opening a new session ends the previous one.',
  authScopes: { agent: true },
  fields: (t) => ({
    epoch: t.exposeInt('epoch', {
      description:
        "The session's number, which later operations of the session must send. A newer session has a higher one.",
    }),
    clusterId: t.exposeID('clusterId', {
      description:
        'The ID of this Graphium installation, for the label `graphium.cluster` of everything that the agent creates.',
    }),
    agentName: t.exposeString('agentName', {
      description: "The agent's name, for the label `graphium.agent` of everything that the agent creates.",
    }),
    leaseSeconds: t.int({
      description: 'The number of seconds after which the session ends if the server hears nothing from the agent.',
      resolve: () => LEASE_SECONDS,
    }),
    labels: t.field({
      type: [Label],
      description:
        "The agent's labels. Those that it was started with count only when it enrolls: afterwards only an administrator changes them.",
      resolve: ({ labels }) => toLabels(labels),
    }),
    adopted: t.exposeIDList('adopted', {
      description:
        'The IDs of the running tasks that the agent keeps, with the same attempt. The agent must drop its work on any other task.',
    }),
  }),
});

const EngineInput = builder.inputType('EngineInput', {
  description: "The Docker engine of the agent's host.",
  fields: (t) => ({
    version: t.string({ required: true, description: "The engine's version, such as `28.2.2`." }),
    apiVersion: t.string({
      required: true,
      description: 'The version of the Docker API that the agent uses, such as `1.48`.',
    }),
    os: t.string({ required: true, description: 'The operating system, such as `linux`.' }),
    arch: t.string({ required: true, description: 'The processor architecture, such as `x86_64`.' }),
    cpus: t.int({ required: true, description: 'The number of processor cores.' }),
    memoryBytes: t.float({ required: true, description: "The host's memory in bytes." }),
  }),
});

const RunningTaskInput = builder.inputType('RunningTaskInput', {
  description: 'A task that the agent is working on, or whose result the server has not accepted yet.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: "The task's ID." }),
    attempt: t.int({ required: true, description: 'The attempt that the agent started the task with.' }),
  }),
});

const SessionInput = builder.inputType('SessionInput', {
  description: 'The agent process that opens a session.',
  fields: (t) => ({
    instanceId: t.id({
      required: true,
      description:
        'A UUID that the process generated when it started. It tells two processes with the same credential apart.',
    }),
    version: t.string({ required: true, description: "The agent's version." }),
    transport: t.field({
      type: Transport,
      required: true,
      description: 'How the agent is going to receive its tasks.',
    }),
    engine: t.field({
      type: EngineInput,
      description: "The Docker engine of the agent's host; null if it has not answered this process yet.",
    }),
    engineProblem: t.string({ description: 'Why the Docker engine does not answer; null if it does.' }),
    policy: t.field({
      type: 'JSON',
      description:
        'What the policy of the host allows: an object of the form of its policy file. The server uses it for warnings only.',
    }),
    running: t.field({
      type: [RunningTaskInput],
      required: true,
      description: 'The tasks that the agent is working on.',
    }),
  }),
});

const MAX_POLICY = 64 * 1024;

/** @throws GraphiumError BAD_INPUT */
function checkPolicy(policy: unknown): ReportedPolicy | null {
  if (policy == null) return null;
  const isObject = typeof policy === 'object' && !Array.isArray(policy);
  if (isObject && JSON.stringify(policy).length <= MAX_POLICY) return policy as ReportedPolicy;
  throw new GraphiumError('BAD_INPUT', `policy: expected an object of at most ${MAX_POLICY} characters.`);
}

/** @throws GraphiumError BAD_INPUT */
const MAX_VERSION = 100;

function checkedEngine({ engine, engineProblem }: Pick<typeof SessionInput.$inferInput, 'engine' | 'engineProblem'>) {
  if (!engine && !engineProblem) {
    throw new GraphiumError('BAD_INPUT', 'engineProblem: expected why there is no engine, or the engine.');
  }
  return { engine: engine ? toStorable(engine) : null, engineProblem: engineProblem ?? null };
}

function checked(input: typeof SessionInput.$inferInput) {
  checkId('instance', input.instanceId);
  for (const { taskId } of input.running) checkId('task', taskId);
  // What stands in the operation itself comes without a prototype, which drizzle cannot store.
  const version = toStorable(input.version).slice(0, MAX_VERSION).toWellFormed();
  return { ...input, version, ...checkedEngine(input), policy: toStorable(checkPolicy(input.policy)) };
}

builder.mutationFields((t) => ({
  removeAgent: t.field({
    type: Agent,
    authScopes: { admin: true },
    description:
      'Removes an agent: revokes its credential at once and cancels its unfinished tasks. Containers on its host keep running.',
    args: {
      name: t.arg.string({ required: true, description: "The agent's name." }),
      force: t.arg.boolean({
        required: true,
        defaultValue: false,
        description:
          'If true, the agent is removed even if it has containers or unfinished tasks, which is otherwise a CONFLICT.',
      }),
    },
    resolve: (_root, { name, force }, { db, actor }) => removeAgent(db, actor, name, force),
  }),
  enrollAgent: t.field({
    type: AgentCredential,
    authScopes: { join: true },
    description:
      'Enrolls an agent: exchanges its join token for a credential of its own. An agent of the same name is replaced if the join token was made for that name; otherwise CONFLICT.',
    args: {
      name: t.arg.string({
        required: true,
        description: "The agent's name, by which stack files will refer to its host.",
      }),
      labels: t.arg({
        type: [LabelInput],
        description: "Labels that describe the agent's host. Those of the join token take precedence.",
      }),
      secret: t.arg.string({
        description:
          'The secret part of the credential, if the agent makes it itself: 256 random bits as 43 characters of base64url. If the answer is lost, the same request gets the same answer until the join token expires. If omitted, the server makes one, and the request cannot be repeated.',
      }),
    },
    resolve: (_root, { name, labels, secret }, { db, caller, address }) =>
      enrollAgent(
        db,
        { tokenId: caller?.tokenId ?? '', address },
        { name, labels: checkLabels(labels), secret: secret ?? undefined },
      ),
  }),
  openSession: t.field({
    type: AgentSession,
    authScopes: { agent: true },
    description: 'For agents: opens a session, which ends the previous one.',
    args: {
      input: t.arg({ type: SessionInput, required: true, description: 'The agent process that opens the session.' }),
    },
    resolve: async (_root, { input }, { db, caller, address, clusterId, bindSession }) => {
      const { agentId, name } = agentOf(caller);
      const session = await openSession(db, agentId, checked(input), address);
      bindSession({ agentId, epoch: session.epoch });
      return { ...session, clusterId, agentName: name };
    },
  }),
  reportEngine: t.boolean({
    authScopes: { agent: true },
    description:
      'For agents: reports that the Docker engine of the host does not answer any more, or does again. Always returns true.',
    args: {
      epoch: t.arg.int({ required: true, description: "The session's number." }),
      engine: t.arg({ type: EngineInput, description: 'The engine that answers again; null while it does not.' }),
      problem: t.arg.string({ description: 'Why the engine does not answer; null if it does.' }),
    },
    resolve: async (_root, { epoch, engine, problem }, { db, caller }) => {
      const { agentId } = agentOf(caller);
      await reportEngine(db, agentId, epoch, checkedEngine({ engine, engineProblem: problem }));
      return true;
    },
  }),
}));
