import { eq, sql } from 'drizzle-orm';
import { type AgentRow, findAgent, listContainersOfAgents } from '../agents/store.ts';
import { type Actor, audit } from '../base/audit.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { agents, tasks } from '../db/tables.ts';
import type { Db } from '../db/types.ts';
import { endTasks } from '../deployments/settle.ts';
import { lockPlanning } from '../deployments/store.ts';
import { cancelOfRemovedAgent } from '../tasks/moves.ts';
import { addEvents, lockTasks, toEvents } from '../tasks/store.ts';
import { revokeTokensOfAgent } from '../tokens/store.ts';

const REASON = 'the agent was removed';

/**
 * Takes the agent's credential away and ends its tasks. The containers on its host keep running.
 * @throws GraphiumError CONFLICT while it has containers or tasks, unless `force`
 */
export function removeAgent(db: Db, actor: Actor, name: string, force: boolean): Promise<AgentRow> {
  return transact(db, async (tx) => {
    // A plan that is being made counts on the agents that it has read.
    await lockPlanning(tx);
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
    const cancelled = await cancelOfRemovedAgent(tx, agent.id, REASON);
    await addEvents(tx, toEvents(cancelled, REASON));
    await endTasks(tx, cancelled);
    const revoked = await revokeTokensOfAgent(tx, agent.id);
    await audit(tx, actor, 'removeAgent', name, { force });
    await notify(tx, [...revoked.map(topic.token), topic.agents, topic.stacks]);
    return { ...agent, connected: false, online: false, removedAt: new Date() };
  });
}
