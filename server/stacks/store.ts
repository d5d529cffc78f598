import { and, asc, desc, eq, getTableColumns, gt, inArray, isNull, lt, ne, or, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { GRAPHIUM } from '../base/audit.ts';
import { chunks } from '../db/chunks.ts';
import { agents, placements, stackRevisions, stacks } from '../db/tables.ts';
import type { Queryable, Tx } from '../db/types.ts';
import { openStack, outlineOf, revisionOwner, sealStack } from '../secrets/at-rest.ts';
import type { StackSpec } from '../spec/spec.ts';

export type StackRow = typeof stacks.$inferSelect;
type StoredRevision = typeof stackRevisions.$inferSelect;
export type RevisionRow = Omit<StoredRevision, 'spec'> & { spec: StackSpec };
export type Placement = { agentId: string; containerName: string };

/** Finds the stack of that name that has not been deleted for good. */
export async function findStack(tx: Queryable, name: string): Promise<StackRow | undefined> {
  const [row] = await tx
    .select()
    .from(stacks)
    .where(and(eq(stacks.name, name), isNull(stacks.deletedAt)));
  return row;
}

export async function listStacks(tx: Queryable, includeDeleted: boolean): Promise<StackRow[]> {
  return tx
    .select()
    .from(stacks)
    .where(includeDeleted ? undefined : isNull(stacks.deletedAt))
    .orderBy(asc(stacks.name), desc(stacks.createdAt));
}

export function listStacksById(tx: Queryable, ids: readonly string[]): Promise<StackRow[]> {
  return tx
    .select()
    .from(stacks)
    .where(inArray(stacks.id, [...ids]));
}

export async function getStack(tx: Queryable, id: string): Promise<StackRow> {
  const [row] = await listStacksById(tx, [id]);
  if (!row) throw new Error(`there is no stack ${id}`);
  return row;
}

export async function findRevision(tx: Queryable, stackId: string, number: number): Promise<RevisionRow | undefined> {
  const [row] = await tx
    .select()
    .from(stackRevisions)
    .where(and(eq(stackRevisions.stackId, stackId), eq(stackRevisions.number, number)));
  return row && opened(tx, row);
}

/**
 * Whether what the current revision says has come up before, be it as another revision that it is a copy of.
 * @param ownCopies whether of copies only Graphium's own count: one that a person asked for may have been cancelled
 */
export async function hasServed(
  tx: Queryable,
  { id, revision, goodRevision }: StackRow,
  { ownCopies = false } = {},
): Promise<boolean> {
  if (goodRevision === null) return false;
  if (goodRevision === revision) return true;
  const { number, copyOf } = stackRevisions;
  const rows = await tx
    .select({ number, origin: sql<number>`coalesce(${copyOf}, ${number})`, createdBy: stackRevisions.createdBy })
    .from(stackRevisions)
    .where(and(eq(stackRevisions.stackId, id), inArray(number, [revision, goodRevision])));
  const current = rows.find((row) => row.number === revision);
  if (ownCopies && current?.createdBy !== GRAPHIUM.name) return false;
  return new Set(rows.map(({ origin }) => origin)).size === 1;
}

/** Lists the current revision of each of the stacks. */
export async function listCurrentRevisions(tx: Queryable, stackIds: readonly string[]): Promise<RevisionRow[]> {
  const rows = await tx
    .select({ revision: stackRevisions })
    .from(stackRevisions)
    .innerJoin(stacks, and(eq(stacks.id, stackRevisions.stackId), eq(stacks.revision, stackRevisions.number)))
    .where(inArray(stacks.id, [...stackIds]));
  return rows.map((row) => opened(tx, row.revision));
}

/** Opens the spec of a row. */
export function opened({ $vault }: Queryable, row: StoredRevision): RevisionRow {
  return { ...row, spec: openStack(row.spec, $vault, revisionOwner(row.stackId, row.number)) };
}

/** Who has the name of a placement's agent now: one that was removed and enrolled again finds its containers there. */
const live = alias(agents, 'live');
const isLive = and(eq(live.name, agents.name), isNull(live.removedAt));
const liveAgentId = sql<string>`coalesce(${live.id}, ${placements.agentId})`;

export type CurrentPlacement = Placement & { stackId: string; agent: string };

/** Agents that were removed are among them. */
export function listCurrentPlacements(tx: Queryable, stackIds: readonly string[]): Promise<CurrentPlacement[]> {
  return tx
    .select({
      stackId: placements.stackId,
      agentId: liveAgentId,
      containerName: placements.containerName,
      agent: agents.name,
    })
    .from(placements)
    .innerJoin(stacks, and(eq(stacks.id, placements.stackId), eq(stacks.revision, placements.revision)))
    .innerJoin(agents, eq(agents.id, placements.agentId))
    .leftJoin(live, isLive)
    .where(inArray(stacks.id, [...stackIds]));
}

/** The spec is an outline: names, ports and places. */
export type Neighbours = { stack: string; spec: StackSpec; placements: Placement[] };

/**
 * Lists what all other stacks want on their hosts now, to find names and ports that are taken. Until a stack's current
 * revision has come up, what its last good one placed may be what serves, and is an entry of its own.
 */
export async function listNeighbours(tx: Queryable, exceptName: string): Promise<Neighbours[]> {
  const isOther = and(isNull(stacks.deletedAt), ne(stacks.name, exceptName));
  const { number } = stackRevisions;
  const [revisions, placed] = await Promise.all([
    tx
      .select({ id: stacks.id, stack: stacks.name, number, spec: stackRevisions.spec })
      .from(stacks)
      .innerJoin(stackRevisions, and(eq(stackRevisions.stackId, stacks.id), isCurrentOrGood(number)))
      .where(isOther),
    tx
      .select({
        id: stacks.id,
        number: placements.revision,
        agentId: liveAgentId,
        containerName: placements.containerName,
      })
      .from(placements)
      .innerJoin(stacks, and(eq(placements.stackId, stacks.id), isCurrentOrGood(placements.revision)))
      .innerJoin(agents, eq(agents.id, placements.agentId))
      .leftJoin(live, isLive)
      .where(isOther),
  ]);
  const byRevision = Map.groupBy(placed, ({ id, number: of }) => `${id} ${of}`);
  return revisions.map(({ id, stack, number: of, spec }) => ({
    stack,
    spec: outlineOf(spec),
    placements: byRevision.get(`${id} ${of}`) ?? [],
  }));
}

const isCurrentOrGood = (number: typeof stackRevisions.number | typeof placements.revision) =>
  or(eq(number, stacks.revision), eq(number, stacks.goodRevision));

export function listPlacements(tx: Queryable, stackId: string, revision: number): Promise<Placement[]> {
  return tx
    .select({ agentId: liveAgentId, containerName: placements.containerName })
    .from(placements)
    .innerJoin(agents, eq(agents.id, placements.agentId))
    .leftJoin(live, isLive)
    .where(and(eq(placements.stackId, stackId), eq(placements.revision, revision)));
}

/** `liveAgentId`: the agent of that name now; null if it was removed. One that was enrolled again has its containers still. */
export type PlacementBefore = Placement & { revision: number; liveAgentId: string | null };

/** Lists where the stack's current revision and its last good one placed their containers. */
export function listPlacementsBefore(
  tx: Queryable,
  { id, revision, goodRevision }: StackRow,
): Promise<PlacementBefore[]> {
  return tx
    .select({
      revision: placements.revision,
      containerName: placements.containerName,
      agentId: placements.agentId,
      liveAgentId: live.id,
    })
    .from(placements)
    .innerJoin(agents, eq(agents.id, placements.agentId))
    .leftJoin(live, isLive)
    .where(and(eq(placements.stackId, id), inArray(placements.revision, [revision, goodRevision ?? revision])));
}

/** Lists the agents that were enrolled again since the current revision placed something on their hosts. */
export async function listEnrolledAgain(tx: Queryable, stack: StackRow): Promise<Set<string>> {
  const rows = await listPlacementsBefore(tx, stack);
  return new Set(
    rows.flatMap(({ revision, agentId, liveAgentId: now }) =>
      revision === stack.revision && now !== null && now !== agentId ? [now] : [],
    ),
  );
}

/** Lists what revisions after the last good one placed: only they may have made something that it does not want. */
export function listPlacementsAfter(tx: Queryable, stackId: string, revision: number): Promise<Placement[]> {
  return tx
    .select({ agentId: liveAgentId, containerName: placements.containerName })
    .from(placements)
    .innerJoin(agents, eq(agents.id, placements.agentId))
    .leftJoin(live, isLive)
    .where(and(eq(placements.stackId, stackId), gt(placements.revision, revision)));
}

/** Lists the agents that any revision of the stack placed something on. */
export function listAgentsEver(tx: Queryable, stackId: string): Promise<{ agentId: string }[]> {
  return tx.selectDistinct({ agentId: placements.agentId }).from(placements).where(eq(placements.stackId, stackId));
}

/** A container that claims to be newer by more than this was not made by an installation whose backup was restored. */
const FURTHEST_AHEAD = 100_000;

/**
 * The next number is also above every number that a container bears: after an older backup of the database was restored,
 * hosts may have revisions that it does not know, and agents refuse lower ones. And it is above the numbers of deleted
 * stacks of the name, so that what an old deletion still has to do does not hit their successor. An agent that claims any
 * number must not use the numbers up.
 */
export async function nextRevisionNumber(tx: Queryable, stackName: string): Promise<number> {
  const [row] = await tx.execute<{ next: number }>(sql`
    with known as (select coalesce(max(revision), 0) as revision from stacks where name = ${stackName})
    select greatest(known.revision, (
      select max(c.revision) from containers c join agents a on a.id = c.agent_id and a.removed_at is null
      where c.stack = ${stackName} and c.revision <= known.revision + ${FURTHEST_AHEAD})) + 1 as next
    from known`);
  return row?.next ?? 1;
}

export type RevisionSummary = Omit<RevisionRow, 'spec' | 'source'>;

/** Lists the newest first. */
export function listRevisions(
  tx: Queryable,
  stackId: string,
  limit: number,
  before?: number,
): Promise<RevisionSummary[]> {
  const { spec: _spec, source: _source, ...summary } = getTableColumns(stackRevisions);
  return tx
    .select(summary)
    .from(stackRevisions)
    .where(
      and(eq(stackRevisions.stackId, stackId), before === undefined ? undefined : lt(stackRevisions.number, before)),
    )
    .orderBy(desc(stackRevisions.number))
    .limit(limit);
}

export async function insertStack(tx: Tx, name: string): Promise<StackRow> {
  const [row] = await tx.insert(stacks).values({ name, desired: 'RUNNING', revision: 0 }).returning();
  if (!row) throw new Error('insert returned no row');
  return row;
}

export async function updateStack(
  tx: Tx,
  id: string,
  change: Partial<Pick<StackRow, 'desired' | 'revision' | 'autoRepair' | 'repairs' | 'repairNotBefore'>>,
): Promise<void> {
  await tx
    .update(stacks)
    .set({ ...change, updatedAt: sql`now()` })
    .where(eq(stacks.id, id));
}

export async function insertRevision(
  tx: Tx,
  revision: Omit<typeof stackRevisions.$inferInsert, 'spec'> & { spec: StackSpec },
  placed: readonly Placement[],
): Promise<void> {
  const { stackId, number } = revision;
  const spec = sealStack(revision.spec, tx.$vault, revisionOwner(stackId, number));
  const rows = placed.map((placement) => ({ ...placement, stackId, revision: number }));
  await Promise.all([
    tx.insert(stackRevisions).values({ ...revision, spec }),
    ...[...chunks(rows, 5_000)].map((part) => tx.insert(placements).values(part)),
  ]);
}
