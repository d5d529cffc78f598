import { eq, sql } from 'drizzle-orm';
import { type AgentRow, findAgent, listContainersOfAgents } from '../agents/store.ts';
import { type Actor, audit } from '../base/audit.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { type Db, postgresError, type Tx, transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { agents, tasks } from '../db/tables.ts';
import { endTasks } from '../deployments/settle.ts';
import { addEvents, lockTasks, toEvents } from '../tasks/store.ts';
import { issueToken } from '../tokens/issue.ts';
import { revokeTokensOfAgent, useJoinToken } from '../tokens/store.ts';

/** As Docker's own names for hosts: what stacks refer to. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;

export type Credential = { agentId: string; name: string; secret: string };

/**
 * Trades a join token for a credential. A join token that names the agent may take the place of one that exists (its old
 * credential stops working); any other may only add a new one.
 */
export async function enrollAgent(
  db: Db,
  join: { tokenId: string },
  input: { name: string; labels: Record<string, string> },
): Promise<Credential> {
  checkAgentName(input.name);
  try {
    return await transact(db, (tx) => enroll(tx, join.tokenId, input));
  } catch (error) {
    if (postgresError(error)?.constraint_name === 'agents_name') throw nameTaken(input.name);
    throw error;
  }
}

/** @throws GraphiumError BAD_INPUT */
export function checkAgentName(name: string): string {
  if (NAME.test(name)) return name;
  throw new GraphiumError('BAD_INPUT', `name: "${name}" is no name for an agent; expected ${NAME.source}.`);
}

async function enroll(tx: Tx, tokenId: string, input: { name: string; labels: Record<string, string> }) {
  const join = await useJoinToken(tx, tokenId);
  if (!join) throw new GraphiumError('UNAUTHENTICATED', 'The join token was used or has expired.');
  if (join.agentName !== null && join.agentName !== input.name) {
    throw new GraphiumError('FORBIDDEN', `This join token is for the agent "${join.agentName}".`);
  }
  const existing = await findAgent(tx, input.name);
  if (existing && join.agentName === null) throw nameTaken(input.name);
  const labels = { ...input.labels, ...join.labels };
  const agentId = existing ? await replace(tx, existing.id, labels) : await insert(tx, input.name, labels);
  const { secret } = await issueToken(tx, 'AGENT', { agentId, name: input.name, createdBy: join.createdBy });
  await audit(tx, { name: input.name, tokenId }, 'enrollAgent', input.name, { again: existing !== undefined });
  await notify(tx, [topic.agents]);
  return { agentId, name: input.name, secret };
}

async function insert(tx: Tx, name: string, labels: Record<string, string>): Promise<string> {
  const [row] = await tx.insert(agents).values({ name, labels }).returning({ id: agents.id });
  if (!row) throw new Error('insert returned no row');
  return row.id;
}

async function replace(tx: Tx, id: string, labels: Record<string, string>): Promise<string> {
  const revoked = await revokeTokensOfAgent(tx, id);
  await tx
    .update(agents)
    .set({
      labels,
      quarantinedAt: null,
      comebacks: 0,
      replacedInstances: [],
      sessionEpoch: sql`${agents.sessionEpoch} + 1`,
    })
    .where(eq(agents.id, id));
  await notify(tx, revoked.map(topic.token));
  return id;
}

const nameTaken = (name: string) =>
  new GraphiumError(
    'CONFLICT',
    `There is an agent "${name}" already. To replace it, use a join token made for that name; or choose another with --name.`,
  );

/**
 * Takes the agent's credential away and ends its tasks. What runs on its host goes on running.
 * @throws GraphiumError CONFLICT while it has containers or tasks, unless `force`
 */
export function removeAgent(db: Db, actor: Actor, name: string, force: boolean): Promise<AgentRow> {
  return transact(db, async (tx) => {
    const agent = await findAgent(tx, name);
    if (!agent) throw notFound('agent', name);
    const containers = await listContainersOfAgents(tx, [agent.id]);
    const unfinished = sql`${tasks.agentId} = ${agent.id} and ${tasks.status} in ('PENDING', 'RUNNING')`;
    const open = await tx.$count(tasks, unfinished);
    if (!force && (containers.length > 0 || open > 0)) {
      throw new GraphiumError(
        'CONFLICT',
        `Agent "${name}" has ${containers.length} containers and ${open} unfinished tasks. Delete its stacks first, or use force: its containers then stay behind.`,
      );
    }
    const removed = {
      removedAt: sql`now()`,
      sessionExpiresAt: sql`now()`,
      sessionEpoch: sql`${agents.sessionEpoch} + 1`,
    };
    await tx.update(agents).set(removed).where(eq(agents.id, agent.id));
    await lockTasks(tx, unfinished);
    const cancelled = await tx
      .update(tasks)
      .set({
        status: 'CANCELLED',
        finishedAt: sql`now()`,
        result: { action: 'none', message: 'the agent was removed' },
      })
      .where(unfinished)
      .returning();
    await addEvents(tx, toEvents(cancelled, 'the agent was removed'));
    await endTasks(tx, cancelled);
    const revoked = await revokeTokensOfAgent(tx, agent.id);
    await audit(tx, actor, 'removeAgent', name, { force });
    await notify(tx, [...revoked.map(topic.token), topic.agents, topic.stacks]);
    return { ...agent, online: false, removedAt: new Date() };
  });
}
