import { and, eq, sql } from 'drizzle-orm';
import {
  type ContainerRow,
  lease,
  lockAgent,
  lockSession,
  replaceContainers,
  replaceForeignContainers,
} from '../agents/store.ts';
import { audit } from '../base/audit.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { agents, tasks } from '../db/tables.ts';
import type { Db, Tx } from '../db/types.ts';
import type { EngineFacts, ReportedPolicy } from '../db/values.ts';
import { endTasks } from '../deployments/settle.ts';
import { adoptRunning, giveBackLost } from '../tasks/moves.ts';
import { addEvents, lockTasks, toEvents } from '../tasks/store.ts';

export type SessionInput = {
  instanceId: string;
  version: string;
  transport: 'STREAM' | 'POLL';
  /** Null if the engine has not answered this process yet. */
  engine: EngineFacts | null;
  engineProblem: string | null;
  policy: ReportedPolicy | null;
  /** What the agent is working on. */
  running: readonly { taskId: string; attempt: number }[];
};

export type OpenedSession = { epoch: number; labels: Record<string, string>; adopted: string[] };

/** An instance that was replaced and takes over again this often is a second living process with the same credential. */
const TAKEOVERS_BEFORE_QUARANTINE = 3;
const REPLACED_INSTANCES_KEPT = 8;
const MAX_PROBLEM = 500;

/** Opens a session that fences every older one: it alone may start tasks and report on them. */
export async function openSession(
  db: Db,
  agentId: string,
  input: SessionInput,
  address: string,
): Promise<OpenedSession> {
  const opened = await transact(db, async (tx) => {
    const agent = await lockAgent(tx, agentId);
    if (!agent) throw notFound('agent', agentId);
    if (agent.quarantinedAt) return undefined;
    const takeover = takeoverBy(agent, input.instanceId);
    if (takeover.takeovers >= TAKEOVERS_BEFORE_QUARANTINE) {
      await tx
        .update(agents)
        .set({ quarantinedAt: sql`now()`, sessionEpoch: agent.sessionEpoch + 1, sessionExpiresAt: sql`now()` })
        .where(eq(agents.id, agentId));
      await audit(tx, { name: agent.name, tokenId: null, address }, 'quarantineAgent', agent.name);
      await notify(tx, [topic.session(agentId), topic.agents]);
      return undefined;
    }
    const epoch = agent.sessionEpoch + 1;
    const { version, transport, policy } = input;
    await tx
      .update(agents)
      .set({
        ...takeover,
        version,
        transport,
        ...engineOf(input),
        policy,
        sessionEpoch: epoch,
        sessionInstance: input.instanceId,
        sessionStartedAt: sql`now()`,
        sessionExpiresAt: lease,
      })
      .where(eq(agents.id, agentId));
    const adopted = await adopt(tx, agentId, epoch, input.running);
    await notify(tx, [topic.session(agentId), topic.pending(agentId), topic.agents, topic.tasks, topic.stacks]);
    return { epoch, labels: agent.labels, adopted };
  });
  if (opened) return opened;
  throw new GraphiumError(
    'AGENT_QUARANTINED',
    'Two processes use the credential of this agent. Stop one of them, then enroll the agent again with a join token for its name.',
  );
}

type EngineNews = Pick<SessionInput, 'engine' | 'engineProblem'>;

/** What is known of an engine stays known while it does not answer. */
const engineOf = ({ engine, engineProblem }: EngineNews) => ({
  ...(engine && { engine }),
  engineProblem: engineProblem?.slice(0, MAX_PROBLEM) ?? null,
  engineDownSince: engineProblem === null ? null : sql`coalesce(${agents.engineDownSince}, now())`,
});

/** Notes that the agent's engine stopped answering, or answers again. */
export function reportEngine(db: Db, agentId: string, epoch: number, news: EngineNews): Promise<void> {
  return transact(db, async (tx) => {
    await lockSession(tx, agentId, epoch);
    await tx.update(agents).set(engineOf(news)).where(eq(agents.id, agentId));
    await notify(tx, [topic.agents, topic.stacks, topic.tasks]);
  });
}

/** Counts how often an instance that had been replaced takes over from the one that replaced it. */
function takeoverBy(agent: typeof agents.$inferSelect, instanceId: string) {
  const { sessionInstance, replacedInstances, takeovers } = agent;
  if (sessionInstance === null || sessionInstance === instanceId) return { replacedInstances, takeovers };
  return {
    replacedInstances: [sessionInstance, ...replacedInstances].slice(0, REPLACED_INSTANCES_KEPT),
    takeovers: replacedInstances.includes(instanceId) ? takeovers + 1 : 0,
  };
}

/** Running tasks that the agent still works on stay its own; the others are given out again. */
async function adopt(tx: Tx, agentId: string, epoch: number, running: SessionInput['running']): Promise<string[]> {
  await lockTasks(tx, and(eq(tasks.agentId, agentId), eq(tasks.status, 'RUNNING')));
  const rows = await adoptRunning(tx, agentId, epoch, running);
  const adopted = rows.map((row) => row.id);
  const returned = await giveBackLost(tx, agentId, epoch, adopted);
  await addEvents(tx, toEvents(returned, 'the agent came back without it'));
  await endTasks(
    tx,
    returned.filter((row) => row.status !== 'PENDING'),
  );
  await notify(
    tx,
    [...rows, ...returned].map((row) => topic.deployment(row.deploymentId)),
  );
  return adopted;
}

const CONTAINER_ID = /^[\x20-\x7e]{1,128}$/;

/** @throws GraphiumError SESSION_LOST, BAD_INPUT where an ID is none or two containers have the same */
export async function reportContainers(
  db: Db,
  agentId: string,
  epoch: number,
  observed: readonly Omit<ContainerRow, 'agentId' | 'observedAt'>[],
  others: readonly string[],
): Promise<void> {
  const ids = new Set<string>();
  for (const { containerId } of observed) {
    if (!CONTAINER_ID.test(containerId))
      throw new GraphiumError(
        'BAD_INPUT',
        `containers: expected Docker's ID of a container, got ${containerId.length} characters.`,
      );
    if (ids.has(containerId)) throw new GraphiumError('BAD_INPUT', `containers: ${containerId} is there twice.`);
    ids.add(containerId);
  }
  await transact(db, async (tx) => {
    await lockSession(tx, agentId, epoch);
    const changed = await replaceContainers(tx, agentId, observed, others);
    if (changed.length > 0) await notify(tx, [topic.stacks, topic.agents]);
  });
}

/** @throws GraphiumError SESSION_LOST */
export function reportForeignContainers(db: Db, agentId: string, epoch: number, names: string[]): Promise<void> {
  return transact(db, async (tx) => {
    await lockSession(tx, agentId, epoch);
    await replaceForeignContainers(tx, agentId, names);
  });
}
