import { and, asc, eq, inArray, isNull, ne, sql } from 'drizzle-orm';
import { GraphiumError } from '../base/errors.ts';
import { chunks } from '../db/chunks.ts';
import { agents, containers, foreignContainers, tasks } from '../db/tables.ts';
import type { Queryable, Tx } from '../db/types.ts';

/** `online`: it has a live session, and the engine of its host answers. Without the engine it sees and does nothing. */
export type AgentRow = typeof agents.$inferSelect & { connected: boolean; online: boolean };
export type ContainerRow = typeof containers.$inferSelect;

export const LEASE_SECONDS = 30;
export const lease = sql`now() + make_interval(secs => ${LEASE_SECONDS})`;

/** A session is live while its lease runs by the database's clock. */
const connected = sql<boolean>`coalesce(${agents.sessionExpiresAt} > now(), false) and ${agents.quarantinedAt} is null`;

export const online = sql<boolean>`${connected} and ${agents.engineDownSince} is null`;

/** When something was last heard of an agent; null if it has never connected. A session that was ended needs no lease. */
export function lastSeenAt({ sessionExpiresAt, sessionInstance }: AgentRow): Date | null {
  if (!sessionExpiresAt || !sessionInstance) return sessionExpiresAt;
  return new Date(sessionExpiresAt.getTime() - LEASE_SECONDS * 1_000);
}

/** Since when nothing is known of the host of an agent that is not online; null if it has never connected. */
export const unknownSince = (agent: AgentRow): Date | null => agent.engineDownSince ?? lastSeenAt(agent);

const selectAgents = (tx: Queryable) =>
  tx.select({ agent: agents, connected: connected.as('connected'), online: online.as('online') }).from(agents);
type Selected = { agent: typeof agents.$inferSelect; connected: boolean; online: boolean };
const toRow = ({ agent, ...state }: Selected): AgentRow => ({ ...agent, ...state });

export async function listAgents(tx: Queryable): Promise<AgentRow[]> {
  const rows = await selectAgents(tx).where(isNull(agents.removedAt)).orderBy(asc(agents.name));
  return rows.map(toRow);
}

/** Includes removed agents, since tasks and deployments still name them. */
export async function listAgentsById(tx: Queryable, ids: readonly string[]): Promise<AgentRow[]> {
  return (await selectAgents(tx).where(inArray(agents.id, [...ids]))).map(toRow);
}

export async function findAgent(tx: Queryable, name: string): Promise<AgentRow | undefined> {
  const [row] = await selectAgents(tx).where(and(eq(agents.name, name), isNull(agents.removedAt)));
  return row && toRow(row);
}

/**
 * The agent's row is locked with "no key update": a deployment that inserts tasks for the agent takes a key-share lock on
 * it (the foreign key) while it holds the deployment which the agent's own report is about to lock.
 */
export async function lockAgent(tx: Tx, id: string): Promise<typeof agents.$inferSelect | undefined> {
  const [row] = await tx
    .select()
    .from(agents)
    .where(and(eq(agents.id, id), isNull(agents.removedAt)))
    .for('no key update');
  return row;
}

/**
 * Holds the agent's row for the rest of the transaction, so that no newer session opens meanwhile.
 * @throws GraphiumError SESSION_LOST unless `epoch` is the live session's
 */
export async function lockSession(tx: Tx, agentId: string, epoch: number): Promise<void> {
  const [row] = await tx
    .select({ id: agents.id })
    .from(agents)
    .where(and(eq(agents.id, agentId), isLiveSession(epoch)))
    .for('no key update');
  if (!row) throw sessionLost(epoch);
}

/** @throws GraphiumError SESSION_LOST unless `epoch` is the live session's */
export async function checkSession(tx: Queryable, agentId: string, epoch: number): Promise<void> {
  const [row] = await tx
    .select({ id: agents.id })
    .from(agents)
    .where(and(eq(agents.id, agentId), isLiveSession(epoch)));
  if (!row) throw sessionLost(epoch);
}

export const isLiveSession = (epoch: number) =>
  and(eq(agents.sessionEpoch, epoch), sql`${agents.sessionExpiresAt} > now()`, isNull(agents.removedAt));

export const sessionLost = (epoch: number) =>
  new GraphiumError('SESSION_LOST', `Session ${epoch} is not the live one of this agent; open a new session.`);

/**
 * Renews the leases, but for the agents whose row somebody holds just now: who works under a session keeps it alive.
 * @param sessions.silentSeconds how long ago something was last heard of the agent
 * @returns the epoch of each agent's newest session
 */
export async function renewSessions(
  tx: Queryable,
  sessions: readonly { agentId: string; epoch: number; silentSeconds: number }[],
): Promise<Map<string, number>> {
  const rows = await tx.execute<{ id: string; epoch: number }>(sql`
    with s as (select * from jsonb_to_recordset(${JSON.stringify(sessions)}::jsonb)
      as s("agentId" uuid, epoch int, "silentSeconds" float)),
    free as materialized (
      select a.id, ${lease} - make_interval(secs => s."silentSeconds") as expires_at from agents a join s on a.id = s."agentId" and a.session_epoch = s.epoch
      where a.removed_at is null order by a.id for no key update of a skip locked),
    renewed as (update agents a set session_expires_at = greatest(a.session_expires_at, free.expires_at)
      from free where a.id = free.id)
    select a.id, a.session_epoch as epoch from agents a join s on a.id = s."agentId" where a.removed_at is null`);
  return new Map(rows.map((row) => [row.id, row.epoch]));
}

/** Ends the session of an agent that said goodbye: nobody has to wait for its lease, and no server downtime lengthens it. */
export async function endSession(tx: Queryable, agentId: string, epoch: number): Promise<void> {
  await tx
    .update(agents)
    .set({ sessionInstance: null, sessionExpiresAt: sql`least(${agents.sessionExpiresAt}, now())` })
    .where(and(eq(agents.id, agentId), eq(agents.sessionEpoch, epoch)));
}

export function listContainersOfAgents(tx: Queryable, agentIds: readonly string[]): Promise<ContainerRow[]> {
  return tx
    .select()
    .from(containers)
    .where(inArray(containers.agentId, [...agentIds]))
    .orderBy(asc(containers.name));
}

/** Counts the containers of all other stacks on each agent. */
export async function countContainersOfOthers(tx: Queryable, stackName: string): Promise<Map<string, number>> {
  const rows = await tx
    .select({ agentId: containers.agentId, count: sql<number>`count(*)::int` })
    .from(containers)
    .where(ne(containers.stack, stackName))
    .groupBy(containers.agentId);
  return new Map(rows.map(({ agentId, count }) => [agentId, count]));
}

/** Lists the images that containers of any stack use on the agents, as the containers name them. */
export function listImages(tx: Queryable, agentIds: readonly string[]): Promise<{ agentId: string; image: string }[]> {
  return tx
    .selectDistinct({ agentId: containers.agentId, image: containers.image })
    .from(containers)
    .where(inArray(containers.agentId, [...agentIds]));
}

export async function listContainersOfStacks(tx: Queryable, stackNames: readonly string[]): Promise<ContainerRow[]> {
  const rows = await tx
    .select({ container: containers })
    .from(containers)
    .innerJoin(agents, eq(agents.id, containers.agentId))
    .where(and(inArray(containers.stack, [...stackNames]), isNull(agents.removedAt)))
    .orderBy(asc(containers.name));
  return rows.map((row) => row.container);
}

/**
 * Replaces the agent's observed containers by these.
 * @param others the ids of containers that are there as well and stay as they are known
 * @returns the stacks for which something changed
 */
export async function replaceContainers(
  tx: Tx,
  agentId: string,
  observed: readonly Omit<ContainerRow, 'agentId' | 'observedAt'>[],
  others: readonly string[] = [],
): Promise<string[]> {
  const before = new Map((await listContainersOfAgents(tx, [agentId])).map((row) => [row.containerId, row]));
  const ids = new Set([...observed.map((container) => container.containerId), ...others]);
  const gone = [...before.values()].filter((row) => !ids.has(row.containerId));
  for (const part of chunks(gone, 5_000)) await tx.delete(containers).where(isOneOf(agentId, part));
  const changed = observed.filter((container) => differs(container, before.get(container.containerId)));
  if (changed.length > 0) {
    for (const part of chunks(changed, 5_000)) await tx.delete(containers).where(isOneOf(agentId, part));
    for (const part of chunks(changed, 1_000))
      await tx.insert(containers).values(part.map((container) => ({ ...container, agentId })));
  }
  return [...new Set([...gone, ...changed].map((container) => container.stack))];
}

const isOneOf = (agentId: string, rows: readonly { containerId: string }[]) =>
  and(
    eq(containers.agentId, agentId),
    inArray(
      containers.containerId,
      rows.map(({ containerId }) => containerId),
    ),
  );

function differs(now: Omit<ContainerRow, 'agentId' | 'observedAt'>, before: ContainerRow | undefined): boolean {
  if (!before) return true;
  const { agentId: _agent, observedAt: _observed, ...rest } = before;
  return (Object.keys(rest) as (keyof typeof rest)[]).some(
    (key) => JSON.stringify(rest[key]) !== JSON.stringify(now[key]),
  );
}

export async function countUnfinishedTasks(tx: Queryable, agentIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await tx
    .select({ agentId: tasks.agentId, count: sql<number>`count(*)::int` })
    .from(tasks)
    .where(and(inArray(tasks.agentId, [...agentIds]), inArray(tasks.status, ['PENDING', 'RUNNING'])))
    .groupBy(tasks.agentId);
  return new Map(rows.map((row) => [row.agentId, row.count]));
}

export async function replaceForeignContainers(tx: Tx, agentId: string, names: string[]): Promise<void> {
  await tx
    .insert(foreignContainers)
    .values({ agentId, names })
    .onConflictDoUpdate({ target: foreignContainers.agentId, set: { names } });
}

/** @returns the names that containers which Graphium did not make have on these hosts, by the agent's id */
export async function listForeignContainers(
  tx: Queryable,
  agentIds: readonly string[],
): Promise<Map<string, ReadonlySet<string>>> {
  const rows = await tx
    .select()
    .from(foreignContainers)
    .where(inArray(foreignContainers.agentId, [...agentIds]));
  return new Map(rows.map(({ agentId, names }) => [agentId, new Set(names)]));
}
